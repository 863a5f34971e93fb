#: variables
variable "@S@_resource_group" {
  type        = string
  description = "Resource group"
}

variable "@S@_subnet" {
  type        = string
  description = "Subnet that the machines are in; a subnet spans the zones of its region"
}

variable "@S@_zones" {
  type        = list(string)
  description = "Zones of the region"
  default     = @ZONE_NUMBERS@
  validation {
    condition     = length(var.@S@_zones) == @ZONES@
    error_message = "The plan counts on @ZONES@ zones."
  }
}

variable "@S@_image" {
  type        = string
  description = "Image of the machines"
}

variable "@S@_ssh_key" {
  type        = string
  description = "Public key of the administrator"
}

#: entry
resource "azurerm_public_ip" "@S@_entry" {
  provider            = azurerm.@S@
  name                = "@S@-entry"
  location            = local.@S@_region
  resource_group_name = var.@S@_resource_group
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = var.@S@_zones
}

resource "azurerm_lb" "@S@_entry" {
  provider            = azurerm.@S@
  name                = "@S@-entry"
  location            = local.@S@_region
  resource_group_name = var.@S@_resource_group
  sku                 = "Standard"
  frontend_ip_configuration {
    name                 = "public"
    public_ip_address_id = azurerm_public_ip.@S@_entry.id
  }
}

resource "azurerm_lb_backend_address_pool" "@S@_gateway" {
  provider        = azurerm.@S@
  name            = "gateway"
  loadbalancer_id = azurerm_lb.@S@_entry.id
}

resource "azurerm_lb_probe" "@S@_gateway" {
  provider            = azurerm.@S@
  name                = "healthz"
  loadbalancer_id     = azurerm_lb.@S@_entry.id
  protocol            = "Http"
  port                = 8080
  request_path        = "/healthz"
  interval_in_seconds = 5
}

resource "azurerm_lb_rule" "@S@_https" {
  provider                       = azurerm.@S@
  name                           = "https"
  loadbalancer_id                = azurerm_lb.@S@_entry.id
  protocol                       = "Tcp"
  frontend_port                  = 443
  backend_port                   = 443
  frontend_ip_configuration_name = "public"
  backend_address_pool_ids       = [azurerm_lb_backend_address_pool.@S@_gateway.id]
  probe_id                       = azurerm_lb_probe.@S@_gateway.id
}

#: gateway
resource "azurerm_linux_virtual_machine_scale_set" "@S@_gateway" {
  provider            = azurerm.@S@
  name                = "@S@-gateway"
  location            = local.@S@_region
  resource_group_name = var.@S@_resource_group
  sku                 = "Standard_@SKU@"
  instances           = @START@
  zones               = var.@S@_zones
  zone_balance        = true
  admin_username      = "operator"
  source_image_id     = var.@S@_image
  health_probe_id     = azurerm_lb_probe.@S@_gateway.id
  upgrade_mode        = "Rolling"
  admin_ssh_key {
    username   = "operator"
    public_key = var.@S@_ssh_key
  }
  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Premium_ZRS"
  }
  rolling_upgrade_policy {
    max_batch_instance_percent              = 20
    max_unhealthy_instance_percent          = 20
    max_unhealthy_upgraded_instance_percent = 20
    pause_time_between_batches              = "PT30S"
  }
  network_interface {
    name    = "internal"
    primary = true
    ip_configuration {
      name                                   = "internal"
      primary                                = true
      subnet_id                              = var.@S@_subnet
      load_balancer_backend_address_pool_ids = [azurerm_lb_backend_address_pool.@S@_gateway.id]
    }
  }
  depends_on = [azurerm_lb_rule.@S@_https]
}

resource "azurerm_monitor_autoscale_setting" "@S@_gateway" {
  provider            = azurerm.@S@
  name                = "@S@-gateway"
  location            = local.@S@_region
  resource_group_name = var.@S@_resource_group
  target_resource_id  = azurerm_linux_virtual_machine_scale_set.@S@_gateway.id
  profile {
    name = "load"
    capacity {
      minimum = @MIN@
      default = @START@
      maximum = @MAX@
    }
    rule {
      metric_trigger {
        metric_name        = "Percentage CPU"
        metric_resource_id = azurerm_linux_virtual_machine_scale_set.@S@_gateway.id
        time_grain         = "PT1M"
        statistic          = "Average"
        time_window        = "PT5M"
        time_aggregation   = "Average"
        operator           = "GreaterThan"
        threshold          = @CPU@
      }
      scale_action {
        direction = "Increase"
        type      = "PercentChangeCount"
        value     = "20"
        cooldown  = "PT3M"
      }
    }
    rule {
      metric_trigger {
        metric_name        = "Percentage CPU"
        metric_resource_id = azurerm_linux_virtual_machine_scale_set.@S@_gateway.id
        time_grain         = "PT1M"
        statistic          = "Average"
        time_window        = "PT10M"
        time_aggregation   = "Average"
        operator           = "LessThan"
        threshold          = @CPU_LOW@
      }
      scale_action {
        direction = "Decrease"
        type      = "PercentChangeCount"
        value     = "10"
        cooldown  = "PT10M"
      }
    }
  }
}

#: app
resource "azurerm_linux_virtual_machine_scale_set" "@S@_app" {
  provider            = azurerm.@S@
  name                = "@S@-app"
  location            = local.@S@_region
  resource_group_name = var.@S@_resource_group
  sku                 = "Standard_@SKU@"
  instances           = @START@
  zones               = var.@S@_zones
  zone_balance        = true
  admin_username      = "operator"
  source_image_id     = var.@S@_image
  admin_ssh_key {
    username   = "operator"
    public_key = var.@S@_ssh_key
  }
  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Premium_ZRS"
  }
  extension {
    name                      = "health"
    publisher                 = "Microsoft.ManagedServices"
    type                      = "ApplicationHealthLinux"
    type_handler_version      = "1.0"
    automatic_upgrade_enabled = true
    settings                  = jsonencode({ protocol = "http", port = 8080, requestPath = "/healthz" })
  }
  automatic_instance_repair {
    enabled      = true
    grace_period = "PT10M"
  }
  network_interface {
    name    = "internal"
    primary = true
    ip_configuration {
      name      = "internal"
      primary   = true
      subnet_id = var.@S@_subnet
    }
  }
}

resource "azurerm_monitor_autoscale_setting" "@S@_app" {
  provider            = azurerm.@S@
  name                = "@S@-app"
  location            = local.@S@_region
  resource_group_name = var.@S@_resource_group
  target_resource_id  = azurerm_linux_virtual_machine_scale_set.@S@_app.id
  profile {
    name = "load"
    capacity {
      minimum = @MIN@
      default = @START@
      maximum = @MAX@
    }
    rule {
      metric_trigger {
        metric_name        = "Percentage CPU"
        metric_resource_id = azurerm_linux_virtual_machine_scale_set.@S@_app.id
        time_grain         = "PT1M"
        statistic          = "Average"
        time_window        = "PT5M"
        time_aggregation   = "Average"
        operator           = "GreaterThan"
        threshold          = @CPU@
      }
      scale_action {
        direction = "Increase"
        type      = "PercentChangeCount"
        value     = "20"
        cooldown  = "PT3M"
      }
    }
    rule {
      metric_trigger {
        metric_name        = "Percentage CPU"
        metric_resource_id = azurerm_linux_virtual_machine_scale_set.@S@_app.id
        time_grain         = "PT1M"
        statistic          = "Average"
        time_window        = "PT10M"
        time_aggregation   = "Average"
        operator           = "LessThan"
        threshold          = @CPU_LOW@
      }
      scale_action {
        direction = "Decrease"
        type      = "PercentChangeCount"
        value     = "10"
        cooldown  = "PT10M"
      }
    }
  }
}

#: machines
resource "azurerm_network_interface" "@S@_@NAME@" {
  provider            = azurerm.@S@
  count               = @START@
  name                = "@S@-@NAME@-${count.index + 1}"
  location            = local.@S@_region
  resource_group_name = var.@S@_resource_group
  ip_configuration {
    name                          = "internal"
    subnet_id                     = var.@S@_subnet
    private_ip_address_allocation = "Dynamic"
  }
}

resource "azurerm_linux_virtual_machine" "@S@_@NAME@" {
  provider              = azurerm.@S@
  count                 = @START@
  name                  = "@S@-@NAME@-${count.index + 1}"
  size                  = "Standard_@SKU@"
  zone                  = element(var.@S@_zones, count.index)
  location              = local.@S@_region
  resource_group_name   = var.@S@_resource_group
  admin_username        = "operator"
  source_image_id       = var.@S@_image
  network_interface_ids = [azurerm_network_interface.@S@_@NAME@[count.index].id]
  admin_ssh_key {
    username   = "operator"
    public_key = var.@S@_ssh_key
  }
  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Premium_LRS"
  }
}
