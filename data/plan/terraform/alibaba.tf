#: variables
variable "@S@_subnets" {
  type        = list(string)
  description = "VSwitches, one in each of @ZONES@ zones"
  validation {
    condition     = length(var.@S@_subnets) == @ZONES@
    error_message = "One vSwitch in each of @ZONES@ zones."
  }
}

variable "@S@_image" {
  type        = string
  description = "Image of the machines"
}

variable "@S@_security_group" {
  type        = string
  description = "Security group"
}

#: entry
resource "alicloud_slb_load_balancer" "@S@_entry" {
  provider             = alicloud.@S@
  load_balancer_name   = "@S@-entry"
  address_type         = "internet"
  instance_charge_type = "PayByCLCU"
}

resource "alicloud_slb_listener" "@S@_https" {
  provider                  = alicloud.@S@
  load_balancer_id          = alicloud_slb_load_balancer.@S@_entry.id
  frontend_port             = 443
  backend_port              = 443
  protocol                  = "tcp"
  bandwidth                 = -1
  health_check              = "on"
  health_check_type         = "http"
  health_check_connect_port = 8080
  health_check_uri          = "/healthz"
  health_check_interval     = 5
  healthy_threshold         = 2
  unhealthy_threshold       = 2
}

#: gateway
resource "alicloud_ess_scaling_group" "@S@_gateway" {
  provider           = alicloud.@S@
  scaling_group_name = "@S@-gateway"
  min_size           = @MIN@
  desired_capacity   = @START@
  max_size           = @MAX@
  vswitch_ids        = var.@S@_subnets
  multi_az_policy    = "BALANCE"
  health_check_type  = "LOAD_BALANCER"
  loadbalancer_ids   = [alicloud_slb_load_balancer.@S@_entry.id]
  depends_on         = [alicloud_slb_listener.@S@_https]
}

resource "alicloud_ess_scaling_configuration" "@S@_gateway" {
  provider          = alicloud.@S@
  scaling_group_id  = alicloud_ess_scaling_group.@S@_gateway.id
  image_id          = var.@S@_image
  instance_type     = "@SKU@"
  security_group_id = var.@S@_security_group
  active            = true
  enable            = true
}

resource "alicloud_ess_scaling_rule" "@S@_gateway" {
  provider          = alicloud.@S@
  scaling_group_id  = alicloud_ess_scaling_group.@S@_gateway.id
  scaling_rule_name = "@S@-gateway"
  scaling_rule_type = "TargetTrackingScalingRule"
  metric_name       = "CpuUtilization"
  target_value      = @CPU@
}

#: app
resource "alicloud_ess_scaling_group" "@S@_app" {
  provider           = alicloud.@S@
  scaling_group_name = "@S@-app"
  min_size           = @MIN@
  desired_capacity   = @START@
  max_size           = @MAX@
  vswitch_ids        = var.@S@_subnets
  multi_az_policy    = "BALANCE"
  health_check_type  = "ECS"
}

resource "alicloud_ess_scaling_configuration" "@S@_app" {
  provider          = alicloud.@S@
  scaling_group_id  = alicloud_ess_scaling_group.@S@_app.id
  image_id          = var.@S@_image
  instance_type     = "@SKU@"
  security_group_id = var.@S@_security_group
  active            = true
  enable            = true
}

resource "alicloud_ess_scaling_rule" "@S@_app" {
  provider          = alicloud.@S@
  scaling_group_id  = alicloud_ess_scaling_group.@S@_app.id
  scaling_rule_name = "@S@-app"
  scaling_rule_type = "TargetTrackingScalingRule"
  metric_name       = "CpuUtilization"
  target_value      = @CPU@
}

#: machines
resource "alicloud_instance" "@S@_@NAME@" {
  provider        = alicloud.@S@
  count           = @START@
  instance_name   = "@S@-@NAME@-${count.index + 1}"
  instance_type   = "@SKU@"
  image_id        = var.@S@_image
  vswitch_id      = element(var.@S@_subnets, count.index)
  security_groups = [var.@S@_security_group]
}
