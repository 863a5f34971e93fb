#: variables
variable "@S@_network" {
  type        = string
  description = "VPC that the machines are in"
}

variable "@S@_subnets" {
  type        = list(string)
  description = "Subnets, one in each of @ZONES@ zones"
  validation {
    condition     = length(var.@S@_subnets) == @ZONES@
    error_message = "One subnet in each of @ZONES@ zones."
  }
}

variable "@S@_image" {
  type        = string
  description = "Image of the machines"
}

variable "@S@_security_groups" {
  type        = list(string)
  description = "Security groups of the machines"
}

#: entry
resource "aws_lb" "@S@_entry" {
  provider                         = aws.@S@
  name                             = "@S@-entry"
  load_balancer_type               = "network"
  subnets                          = var.@S@_subnets
  enable_cross_zone_load_balancing = true
}

resource "aws_lb_target_group" "@S@_gateway" {
  provider             = aws.@S@
  name                 = "@S@-gateway"
  port                 = 443
  protocol             = "TCP"
  vpc_id               = var.@S@_network
  deregistration_delay = 30
  health_check {
    protocol            = "HTTP"
    port                = "8080"
    path                = "/healthz"
    interval            = 10
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "@S@_https" {
  provider          = aws.@S@
  load_balancer_arn = aws_lb.@S@_entry.arn
  port              = 443
  protocol          = "TCP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.@S@_gateway.arn
  }
}

#: gateway
resource "aws_launch_template" "@S@_gateway" {
  provider               = aws.@S@
  name                   = "@S@-gateway"
  image_id               = var.@S@_image
  instance_type          = "@SKU@"
  vpc_security_group_ids = var.@S@_security_groups
}

resource "aws_autoscaling_group" "@S@_gateway" {
  provider                  = aws.@S@
  name                      = "@S@-gateway"
  min_size                  = @MIN@
  desired_capacity          = @START@
  max_size                  = @MAX@
  vpc_zone_identifier       = var.@S@_subnets
  target_group_arns         = [aws_lb_target_group.@S@_gateway.arn]
  health_check_type         = "ELB"
  health_check_grace_period = 60
  launch_template {
    id      = aws_launch_template.@S@_gateway.id
    version = "$Latest"
  }
}

resource "aws_autoscaling_policy" "@S@_gateway" {
  provider               = aws.@S@
  name                   = "@S@-gateway"
  autoscaling_group_name = aws_autoscaling_group.@S@_gateway.name
  policy_type            = "TargetTrackingScaling"
  target_tracking_configuration {
    target_value = @CPU@
    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

#: app
resource "aws_launch_template" "@S@_app" {
  provider               = aws.@S@
  name                   = "@S@-app"
  image_id               = var.@S@_image
  instance_type          = "@SKU@"
  vpc_security_group_ids = var.@S@_security_groups
}

resource "aws_autoscaling_group" "@S@_app" {
  provider                  = aws.@S@
  name                      = "@S@-app"
  min_size                  = @MIN@
  desired_capacity          = @START@
  max_size                  = @MAX@
  vpc_zone_identifier       = var.@S@_subnets
  health_check_type         = "EC2"
  health_check_grace_period = 180
  launch_template {
    id      = aws_launch_template.@S@_app.id
    version = "$Latest"
  }
}

resource "aws_autoscaling_policy" "@S@_app" {
  provider               = aws.@S@
  name                   = "@S@-app"
  autoscaling_group_name = aws_autoscaling_group.@S@_app.name
  policy_type            = "TargetTrackingScaling"
  target_tracking_configuration {
    target_value = @CPU@
    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

#: machines
resource "aws_instance" "@S@_@NAME@" {
  provider               = aws.@S@
  count                  = @START@
  instance_type          = "@SKU@"
  ami                    = var.@S@_image
  subnet_id              = element(var.@S@_subnets, count.index)
  vpc_security_group_ids = var.@S@_security_groups
  tags                   = { Name = "@S@-@NAME@-${count.index + 1}" }
}
