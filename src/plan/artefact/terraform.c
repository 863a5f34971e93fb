/* What is bought, as Terraform: machines as resources, the rest as a table of what to add.
 * Networks, images and identities are the customer's and stand as variables without a default. */
#include "plan/artefact/shared.h"
#include "plan/bill/bill.h"

struct provider {
    const char *id, *source, *version, *machine, *configuration;
};

static const struct provider providers[] = {
    {"aws", "hashicorp/aws", "~> 5.0", "aws_instance", "region"},
    {"aws_cn", "hashicorp/aws", "~> 5.0", "aws_instance", "region"},
    {"azure", "hashicorp/azurerm", "~> 4.0", "azurerm_linux_virtual_machine", NULL},
    {"gcp", "hashicorp/google", "~> 6.0", "google_compute_instance", "region"},
    {"alibaba", "aliyun/alicloud", "~> 1.0", "alicloud_instance", "region"},
};

static const struct provider *find_provider(const char *id)
{
    for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++)
        if (strcmp(providers[i].id, id) == 0)
            return &providers[i];
    return NULL;
}

/* A text as HCL has it, so that what the intake said stays one. */
static void add_quoted(struct rw_text *text, const char *value)
{
    rw_text_adds(text, "\"");
    for (const char *at = value; *at; at++) {
        bool template = (*at == '$' || *at == '%') && at[1] == '{';
        if (*at == '"' || *at == '\\')
            rw_text_adds(text, "\\");
        if (template)
            rw_text_add(text, rw_span(at, 1));
        rw_text_add(text, (unsigned char)*at < 0x20 ? RW_LITERAL(" ") : rw_span(at, 1));
    }
    rw_text_adds(text, "\"");
}

/* "hashicorp/aws" is called "aws" in the files. */
static const char *local_name(const struct provider *provider)
{
    return strchr(provider->source, '/') + 1;
}

static bool first_of_its_source(const struct rw_bill *bill, unsigned site)
{
    const struct provider *provider = find_provider(bill->sites[site].provider);
    for (unsigned i = 0; i < site; i++) {
        const struct provider *other = find_provider(bill->sites[i].provider);
        if (other && provider && strcmp(other->source, provider->source) == 0)
            return false;
    }
    return provider != NULL;
}

static void add_providers(const struct rw_bill *bill, struct rw_text *text)
{
    rw_text_adds(text, "\nterraform {\n  required_version = \">= 1.5\"\n  required_providers {\n");
    for (unsigned i = 0; i < bill->site_count; i++) {
        const struct provider *provider = find_provider(bill->sites[i].provider);
        if (provider && first_of_its_source(bill, i))
            rw_text_addf(text,
                         "    %s = {\n      source  = \"%s\"\n      version = \"%s\"\n    }\n",
                         local_name(provider), provider->source, provider->version);
    }
    rw_text_adds(text, "  }\n}\n");
    for (unsigned i = 0; i < bill->site_count; i++) {
        const struct provider *provider = find_provider(bill->sites[i].provider);
        if (!provider)
            continue;
        rw_text_addf(text, "\nprovider \"%s\" {\n  alias = \"s%u\"\n", local_name(provider), i + 1);
        if (provider->configuration) {
            rw_text_addf(text, "  %s = ", provider->configuration);
            add_quoted(text, bill->sites[i].region);
            rw_text_adds(text, "\n");
        } else {
            rw_text_adds(text, "  features {}\n");
        }
        rw_text_adds(text, "}\n");
    }
}

static void add_variable(struct rw_text *text, unsigned site, const char *name, const char *what)
{
    rw_text_addf(text,
                 "\nvariable \"s%u_%s\" {\n  type        = string\n  description = \"%s\"\n}\n",
                 site + 1, name, what);
}

static void add_variables(const struct rw_bill *bill, struct rw_text *text)
{
    for (unsigned i = 0; i < bill->site_count; i++) {
        const char *id = bill->sites[i].provider;
        if (!find_provider(id))
            continue;
        add_variable(text, i, "image", "Image of the machines");
        add_variable(text, i, "subnet", "Network that the machines are in");
        if (strcmp(id, "azure") == 0) {
            add_variable(text, i, "resource_group", "Resource group");
            add_variable(text, i, "ssh_key", "Public key of the administrator");
        }
        if (strcmp(id, "alibaba") == 0)
            add_variable(text, i, "security_group", "Security group");
    }
}

static bool is_machine(const struct rw_bill_item *item)
{
    bool database = strcmp(item->category, "Databases") == 0;
    return strcmp(item->unit, "hour") == 0 && (database || strcmp(item->category, "Compute") == 0);
}

static void add_aws(const struct rw_bill_item *item, struct rw_text *text)
{
    unsigned site = item->site + 1;
    rw_text_addf(text,
                 "  instance_type = \"%s\"\n  ami           = var.s%u_image\n"
                 "  subnet_id     = var.s%u_subnet\n"
                 "  tags          = { Name = \"%s-${count.index + 1}\" }\n",
                 item->sku, site, site, item->name);
}

static void add_azure(const struct rw_bill_item *item, struct rw_text *text)
{
    unsigned site = item->site + 1;
    rw_text_addf(text,
                 "  name                  = \"%s-${count.index + 1}\"\n"
                 "  size                  = \"Standard_%s\"\n"
                 "  location              = local.s%u_region\n"
                 "  resource_group_name   = var.s%u_resource_group\n"
                 "  admin_username        = \"operator\"\n"
                 "  source_image_id       = var.s%u_image\n"
                 "  network_interface_ids = [azurerm_network_interface.s%u_%s[count.index].id]\n"
                 "  admin_ssh_key {\n"
                 "    username   = \"operator\"\n"
                 "    public_key = var.s%u_ssh_key\n"
                 "  }\n"
                 "  os_disk {\n"
                 "    caching              = \"ReadWrite\"\n"
                 "    storage_account_type = \"Premium_LRS\"\n"
                 "  }\n",
                 item->name, item->sku, site, site, site, site, item->name, site);
}

static void add_azure_network(const struct rw_bill_item *item, double count, struct rw_text *text)
{
    unsigned site = item->site + 1;
    rw_text_addf(text,
                 "\nresource \"azurerm_network_interface\" \"s%u_%s\" {\n"
                 "  provider            = azurerm.s%u\n"
                 "  count               = %.0f\n"
                 "  name                = \"%s-${count.index + 1}\"\n"
                 "  location            = local.s%u_region\n"
                 "  resource_group_name = var.s%u_resource_group\n"
                 "  ip_configuration {\n"
                 "    name                          = \"internal\"\n"
                 "    subnet_id                     = var.s%u_subnet\n"
                 "    private_ip_address_allocation = \"Dynamic\"\n"
                 "  }\n"
                 "}\n",
                 site, item->name, site, count, item->name, site, site, site);
}

static void add_google(const struct rw_bill_item *item, struct rw_text *text)
{
    unsigned site = item->site + 1;
    rw_text_addf(
        text,
        "  name         = \"%s-${count.index + 1}\"\n"
        "  machine_type = \"%s\"\n"
        "  zone         = \"${local.s%u_region}-${element([\"a\", \"b\", \"c\"], count.index)}\"\n"
        "  boot_disk {\n"
        "    initialize_params {\n"
        "      image = var.s%u_image\n"
        "    }\n"
        "  }\n"
        "  network_interface {\n"
        "    subnetwork = var.s%u_subnet\n"
        "  }\n",
        item->name, item->sku, site, site, site);
}

static void add_alibaba(const struct rw_bill_item *item, struct rw_text *text)
{
    unsigned site = item->site + 1;
    rw_text_addf(text,
                 "  instance_name   = \"%s-${count.index + 1}\"\n"
                 "  instance_type   = \"%s\"\n"
                 "  image_id        = var.s%u_image\n"
                 "  vswitch_id      = var.s%u_subnet\n"
                 "  security_groups = [var.s%u_security_group]\n",
                 item->name, item->sku, site, site, site);
}

static void add_machine(const struct rw_plan *plan, const struct rw_bill_item *item,
                        struct rw_text *text)
{
    const struct provider *provider = find_provider(item->provider);
    double count = rw_sheet_value(&plan->sheet, item->quantity[0]);
    bool azure = strcmp(item->provider, "azure") == 0;
    if (isnan(count) || count < 1)
        return;
    if (azure)
        add_azure_network(item, count, text);
    rw_text_addf(text, "\n# %s, %s\nresource \"%s\" \"s%u_%s\" {\n  provider = %s.s%u\n",
                 item->label.en, item->term, provider->machine, item->site + 1, item->name,
                 local_name(provider), item->site + 1);
    rw_text_addf(text, "  count = %.0f\n", count);
    if (azure)
        add_azure(item, text);
    else if (strcmp(item->provider, "gcp") == 0)
        add_google(item, text);
    else if (strcmp(item->provider, "alibaba") == 0)
        add_alibaba(item, text);
    else
        add_aws(item, text);
    rw_text_adds(text, "}\n");
}

static void add_rest(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    rw_text_adds(text, "\n# Bought, too: add them as your landing zone has them.\nlocals {\n");
    for (unsigned i = 0; i < plan->bill->site_count; i++) {
        rw_text_addf(text, "  s%u_region = ", i + 1);
        add_quoted(text, plan->bill->sites[i].region);
        rw_text_adds(text, "\n");
    }
    rw_text_adds(text, "  planned = [\n");
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        if (item->tier != tier || (is_machine(item) && find_provider(item->provider)))
            continue;
        double quantity = rw_sheet_value(&plan->sheet, item->quantity[0]);
        rw_text_addf(text,
                     "    { site = \"s%u\", provider = \"%s\", region = local.s%u_region, "
                     "service = \"%s\", sku = \"%s\", quantity = ",
                     item->site + 1, item->provider, item->site + 1, item->service, item->sku);
        rw_number_write(text, quantity);
        rw_text_addf(text, ", unit = \"%s\" },\n", item->unit);
    }
    rw_text_adds(text, "  ]\n}\n");
}

void rw_artefact_terraform(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    rw_artefact_head(plan, tier, "Terraform skeleton", text);
    if (!plan->bill)
        return;
    add_providers(plan->bill, text);
    add_variables(plan->bill, text);
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        if (item->tier == tier && is_machine(item) && find_provider(item->provider))
            add_machine(plan, item, text);
    }
    add_rest(plan, tier, text);
}
