/* Names of providers and regions as people write them. The longest name that is part of the text
 * wins, so that "East US 2" is not "East US". */
#include "plan/bill/bill.h"

#include <string.h>

struct place_name {
    const char *written, *provider, *region; /* NULL: says nothing of it */
};

static const struct place_name providers[] = {
    {"aws", "aws", NULL},
    {"amazon", "aws", NULL},
    {"亚马逊", "aws", NULL},
    {"azure", "azure", NULL},
    {"微软", "azure", NULL},
    {"gcp", "gcp", NULL},
    {"google", "gcp", NULL},
    {"谷歌", "gcp", NULL},
    {"alibaba", "alibaba", NULL},
    {"aliyun", "alibaba", NULL},
    {"alicloud", "alibaba", NULL},
    {"阿里", "alibaba", NULL},
    {"aws_cn", "aws_cn", NULL},
    {"onprem", "onprem", NULL},
    {"on-prem", "onprem", NULL},
    {"on prem", "onprem", NULL},
    {"own data", "onprem", NULL},
    {"own machine", "onprem", NULL},
    {"colocation", "onprem", NULL},
    {"自建", "onprem", NULL},
    {"自有", "onprem", NULL},
    {"托管机柜", "onprem", NULL},
    {"vmware", "onprem", NULL},
    {"private", "onprem", NULL},
    {"synergy", "onprem", NULL},
    {"data centre", "onprem", NULL},
    {"data center", "onprem", NULL},
    {"openstack", "onprem", NULL},
    {"本地", "onprem", NULL},
    {"私有", "onprem", NULL},
    {"机房", "onprem", NULL},
    {"数据中心", "onprem", NULL},
};

static const struct place_name regions[] = {
    {"北京", "aws", "cn-north-1"},
    {"beijing", "aws", "cn-north-1"},
    {"宁夏", "aws", "cn-northwest-1"},
    {"ningxia", "aws", "cn-northwest-1"},
    {"são paulo", "aws", "sa-east-1"},
    {"sao paulo", "aws", "sa-east-1"},
    {"圣保罗", "aws", "sa-east-1"},
    {"tokyo", "aws", "ap-northeast-1"},
    {"东京", "aws", "ap-northeast-1"},
    {"london", "aws", "eu-west-2"},
    {"伦敦", "aws", "eu-west-2"},
    {"paris", "aws", "eu-west-3"},
    {"巴黎", "aws", "eu-west-3"},
    {"弗吉尼亚", "aws", "us-east-1"},
    {"virginia", "aws", "us-east-1"},
    {"法兰克福", "aws", "eu-central-1"},
    {"frankfurt", "aws", "eu-central-1"},
    {"爱尔兰", "aws", "eu-west-1"},
    {"ireland", "aws", "eu-west-1"},
    {"新加坡", "aws", "ap-southeast-1"},
    {"singapore", "aws", "ap-southeast-1"},
    {"香港", "aws", "ap-east-1"},
    {"hong kong", "aws", "ap-east-1"},
    {"美国东部", "azure", "eastus"},
    {"germany", "azure", "germanywestcentral"},
    {"德国", "azure", "germanywestcentral"},
    {"brazil", "azure", "brazilsouth"},
    {"巴西", "azure", "brazilsouth"},
    {"uk south", "azure", "uksouth"},
    {"英国南部", "azure", "uksouth"},
    {"east us", "azure", "eastus"},
    {"east us 2", "azure", "eastus2"},
    {"west us", "azure", "westus"},
    {"west europe", "azure", "westeurope"},
    {"西欧", "azure", "westeurope"},
    {"north europe", "azure", "northeurope"},
    {"北欧", "azure", "northeurope"},
    {"东欧", "azure", "polandcentral"},
    {"east europe", "azure", "polandcentral"},
    {"poland", "azure", "polandcentral"},
    {"波兰", "azure", "polandcentral"},
    {"新加坡", "azure", "southeastasia"},
    {"singapore", "azure", "southeastasia"},
    {"香港", "azure", "eastasia"},
    {"hong kong", "azure", "eastasia"},
    {"法兰克福", "gcp", "europe-west3"},
    {"frankfurt", "gcp", "europe-west3"},
    {"新加坡", "gcp", "asia-southeast1"},
    {"singapore", "gcp", "asia-southeast1"},
    {"iowa", "gcp", "us-central1"},
    {"华沙", "gcp", "europe-central2"},
    {"warsaw", "gcp", "europe-central2"},
    {"香港", "gcp", "asia-east2"},
    {"hong kong", "gcp", "asia-east2"},
    {"北京", "alibaba", "cn-beijing"},
    {"beijing", "alibaba", "cn-beijing"},
    {"杭州", "alibaba", "cn-hangzhou"},
    {"hangzhou", "alibaba", "cn-hangzhou"},
    {"上海", "alibaba", "cn-shanghai"},
    {"shanghai", "alibaba", "cn-shanghai"},
    {"深圳", "alibaba", "cn-shenzhen"},
    {"shenzhen", "alibaba", "cn-shenzhen"},
    {"广州", "alibaba", "cn-guangzhou"},
    {"guangzhou", "alibaba", "cn-guangzhou"},
    {"成都", "alibaba", "cn-chengdu"},
    {"chengdu", "alibaba", "cn-chengdu"},
    {"香港", "alibaba", "cn-hongkong"},
    {"hong kong", "alibaba", "cn-hongkong"},
    {"新加坡", "alibaba", "ap-southeast-1"},
    {"singapore", "alibaba", "ap-southeast-1"},
    {"法兰克福", "alibaba", "eu-central-1"},
    {"frankfurt", "alibaba", "eu-central-1"},
};

/* Technical names as the list has them are taken as they are. */
static const char *const technical[] = {
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "eu-south-1",
    "ap-east-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-south-1",
    "me-central-1",
    "af-south-1",
    "cn-north-1",
    "cn-northwest-1",
    "eastus",
    "eastus2",
    "westus",
    "westeurope",
    "northeurope",
    "polandcentral",
    "germanywestcentral",
    "southeastasia",
    "eastasia",
    "uksouth",
    "us-central1",
    "europe-west3",
    "europe-central2",
    "asia-southeast1",
    "asia-east2",
    "cn-beijing",
    "cn-hangzhou",
    "cn-hongkong",
    "sa-east-1",
    "brazilsouth",
    "ca-central-1",
    "canadacentral",
    "ap-northeast-2",
    "francecentral",
    "swedencentral",
    "italynorth",
    "spaincentral",
    "switzerlandnorth",
    "japaneast",
    "koreacentral",
    "centralindia",
    "australiaeast",
    "uaenorth",
    "southafricanorth",
    "centralus",
    "southcentralus",
    "westus2",
    "us-east4",
    "us-west1",
    "europe-west1",
    "europe-west2",
    "europe-west4",
    "asia-northeast1",
    "southamerica-east1",
    "cn-shanghai",
    "cn-shenzhen",
};

static bool contains(struct rw_span text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++)
        if (rw_span_eq_nocase(rw_span(text.at + i, len), rw_span(word, len)))
            return true;
    return false;
}

static bool is_letter(char c)
{
    return rw_lower(c) >= 'a' && rw_lower(c) <= 'z';
}

static bool is_letter_or_digit(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

/* Whether a region's name ends before `rest`, or a zone's letter does: us-east-1a, cn-beijing-h. */
static bool ends_before(struct rw_span rest, const char *name)
{
    if (!rest.len || !is_letter_or_digit(rest.at[0]))
        return true;
    return strchr(name, '-') && is_letter(rest.at[0]) &&
           (rest.len == 1 || !is_letter_or_digit(rest.at[1]));
}

/* A technical name as a whole: "eastus9" is not "eastus". */
static bool is_named(struct rw_span text, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i + len <= text.len; i++) {
        bool begins = i == 0 || !is_letter_or_digit(text.at[i - 1]);
        if (begins && rw_span_eq_nocase(rw_span(text.at + i, len), rw_span(name, len)) &&
            ends_before(rw_span_skip(text, i + len), name))
            return true;
    }
    return false;
}

static const struct place_name *find_name(const struct place_name *names, size_t count,
                                          struct rw_span text, const char *provider)
{
    const struct place_name *best = NULL;
    for (size_t i = 0; i < count; i++)
        if ((!provider || strcmp(names[i].provider, provider) == 0) &&
            contains(text, names[i].written) &&
            (!best || strlen(names[i].written) > strlen(best->written)))
            best = &names[i];
    return best;
}

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const char *find_region(struct rw_span text, const char *provider)
{
    const char *best = NULL;
    for (size_t i = 0; i < COUNT(technical); i++)
        if (is_named(text, technical[i]) && (!best || strlen(technical[i]) > strlen(best)))
            best = technical[i];
    if (best)
        return best;
    const struct place_name *name = find_name(regions, COUNT(regions), text, provider);
    return name ? name->region : NULL;
}

static const char *usual_region(const char *provider)
{
    static const struct place_name usual[] = {
        {"", "aws", "us-east-1"},   {"", "aws_cn", "cn-north-1"},  {"", "azure", "eastus"},
        {"", "gcp", "us-central1"}, {"", "alibaba", "cn-beijing"}, {"", "onprem", "any"},
    };
    for (size_t i = 0; i < COUNT(usual); i++)
        if (strcmp(usual[i].provider, provider) == 0)
            return usual[i].region;
    return "any";
}

bool rw_bill_place(struct rw_span provider, struct rw_span region, const char **provider_id,
                   const char **region_id)
{
    const struct place_name *name = find_name(providers, COUNT(providers), provider, NULL);
    if (!name)
        return false;
    const char *found = strcmp(name->provider, "aws_cn") == 0 ? "aws" : name->provider;
    const char *place = find_region(region, found);
    if (!place)
        place = find_region(provider, found);
    bool chinese = strcmp(name->provider, "aws_cn") == 0 ||
                   (place && strcmp(found, "aws") == 0 && strncmp(place, "cn-", 3) == 0);
    *provider_id = chinese ? "aws_cn" : found;
    *region_id = place ? place : region.len ? NULL : usual_region(*provider_id);
    return true;
}

bool rw_bill_city(struct rw_span text, const char **provider_id, const char **region_id)
{
    const struct place_name *name = find_name(regions, COUNT(regions), text, NULL);
    if (!name)
        return false;
    *provider_id = name->provider;
    *region_id = name->region;
    return true;
}
