#: variables
variable "@S@_network" {
  type        = string
  description = "VPC network"
}

variable "@S@_subnet" {
  type        = string
  description = "Subnetwork of the region; it spans the zones"
}

variable "@S@_zones" {
  type        = list(string)
  description = "Zones of the region, by name"
  validation {
    condition     = length(var.@S@_zones) == @ZONES@
    error_message = "The plan counts on @ZONES@ zones."
  }
}

variable "@S@_image" {
  type        = string
  description = "Image of the machines"
}

#: entry
resource "google_compute_region_health_check" "@S@_gateway" {
  provider            = google.@S@
  name                = "@S@-gateway"
  region              = local.@S@_region
  check_interval_sec  = 5
  timeout_sec         = 2
  healthy_threshold   = 2
  unhealthy_threshold = 2
  http_health_check {
    port         = 8080
    request_path = "/healthz"
  }
}

resource "google_compute_region_backend_service" "@S@_gateway" {
  provider              = google.@S@
  name                  = "@S@-gateway"
  region                = local.@S@_region
  protocol              = "TCP"
  load_balancing_scheme = "EXTERNAL"
  health_checks         = [google_compute_region_health_check.@S@_gateway.id]
  backend {
    group          = google_compute_region_instance_group_manager.@S@_gateway.instance_group
    balancing_mode = "CONNECTION"
  }
  connection_draining_timeout_sec = 30
}

resource "google_compute_forwarding_rule" "@S@_https" {
  provider              = google.@S@
  name                  = "@S@-https"
  region                = local.@S@_region
  load_balancing_scheme = "EXTERNAL"
  ip_protocol           = "TCP"
  ports                 = ["443"]
  backend_service       = google_compute_region_backend_service.@S@_gateway.id
}

#: gateway
resource "google_compute_instance_template" "@S@_gateway" {
  provider     = google.@S@
  name_prefix  = "@S@-gateway-"
  region       = local.@S@_region
  machine_type = "@SKU@"
  disk {
    source_image = var.@S@_image
    boot         = true
  }
  network_interface {
    network    = var.@S@_network
    subnetwork = var.@S@_subnet
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "@S@_gateway" {
  provider                  = google.@S@
  name                      = "@S@-gateway"
  region                    = local.@S@_region
  base_instance_name        = "@S@-gateway"
  distribution_policy_zones = var.@S@_zones
  version {
    instance_template = google_compute_instance_template.@S@_gateway.id
  }
  auto_healing_policies {
    health_check      = google_compute_region_health_check.@S@_gateway.id
    initial_delay_sec = 60
  }
}

resource "google_compute_region_autoscaler" "@S@_gateway" {
  provider = google.@S@
  name     = "@S@-gateway"
  region   = local.@S@_region
  target   = google_compute_region_instance_group_manager.@S@_gateway.id
  autoscaling_policy {
    min_replicas    = @MIN@
    max_replicas    = @MAX@
    cooldown_period = 60
    cpu_utilization {
      target = @CPU_SHARE@
    }
  }
}

#: app
resource "google_compute_region_health_check" "@S@_app" {
  provider           = google.@S@
  name               = "@S@-app"
  region             = local.@S@_region
  check_interval_sec = 10
  timeout_sec        = 5
  http_health_check {
    port         = 8080
    request_path = "/healthz"
  }
}

resource "google_compute_instance_template" "@S@_app" {
  provider     = google.@S@
  name_prefix  = "@S@-app-"
  region       = local.@S@_region
  machine_type = "@SKU@"
  disk {
    source_image = var.@S@_image
    boot         = true
  }
  network_interface {
    network    = var.@S@_network
    subnetwork = var.@S@_subnet
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "@S@_app" {
  provider                  = google.@S@
  name                      = "@S@-app"
  region                    = local.@S@_region
  base_instance_name        = "@S@-app"
  distribution_policy_zones = var.@S@_zones
  version {
    instance_template = google_compute_instance_template.@S@_app.id
  }
  auto_healing_policies {
    health_check      = google_compute_region_health_check.@S@_app.id
    initial_delay_sec = 180
  }
}

resource "google_compute_region_autoscaler" "@S@_app" {
  provider = google.@S@
  name     = "@S@-app"
  region   = local.@S@_region
  target   = google_compute_region_instance_group_manager.@S@_app.id
  autoscaling_policy {
    min_replicas    = @MIN@
    max_replicas    = @MAX@
    cooldown_period = 180
    cpu_utilization {
      target = @CPU_SHARE@
    }
  }
}

#: machines
resource "google_compute_instance" "@S@_@NAME@" {
  provider     = google.@S@
  count        = @START@
  name         = "@S@-@NAME@-${count.index + 1}"
  machine_type = "@SKU@"
  zone         = element(var.@S@_zones, count.index)
  boot_disk {
    initialize_params {
      image = var.@S@_image
    }
  }
  network_interface {
    network    = var.@S@_network
    subnetwork = var.@S@_subnet
  }
}
