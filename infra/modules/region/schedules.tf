# What runs by the clock. Each rule hands its function a constant event.

locals {
  schedules = {
    checkpoint = {
      description = "Signs the region log, idle minutes included: a tail that was cut off shows."
      expression  = "rate(1 minute)"
      function    = { name = module.audit_writer.name, live = module.audit_writer.live, arn = module.audit_writer.live_arn }
      input       = { checkpoint = {} }
    }
    deliver-checkpoint = {
      description = "Sends the checkpoint to where this account cannot take it back."
      expression  = "rate(1 hour)"
      function    = { name = module.lifecycle.name, live = module.lifecycle.live, arn = module.lifecycle.live_arn }
      input       = { deliver_checkpoint = {} }
    }
    compact = {
      description = "Makes few large files of many small ones."
      expression  = "rate(1 day)"
      function    = { name = module.lifecycle.name, live = module.lifecycle.live, arn = module.lifecycle.live_arn }
      input       = { compact = {} }
    }
    sweep-holds = {
      description = "Settles holds of calls that died, and forgets meters of periods that are over."
      expression  = "rate(5 minutes)"
      function    = { name = module.lifecycle.name, live = module.lifecycle.live, arn = module.lifecycle.live_arn }
      input       = { sweep_holds = {} }
    }
    sweep-offboardings = {
      description = "Deals with what people held who have left and of whom no message came, or came too early to see everything."
      expression  = "rate(5 minutes)"
      function    = { name = module.lifecycle.name, live = module.lifecycle.live, arn = module.lifecycle.live_arn }
      input       = { sweep_offboardings = {} }
    }
    sweep-approvals = {
      description = "Ends requests that are late or stopped, reminds people and asks others."
      expression  = "rate(1 minute)"
      function    = { name = module.approvals.name, live = module.approvals.live, arn = module.approvals.live_arn }
      input       = { sweep = true }
    }
    sweep-actions = {
      description = "Writes down as unknown what became of actions of which nobody told in time."
      expression  = "rate(1 minute)"
      function    = { name = module.actions.name, live = module.actions.live, arn = module.actions.live_arn }
      input       = { sweep = true }
    }
    pull-directories = {
      description = "Asks directories that push nothing who is in, and in which groups."
      expression  = "rate(30 minutes)"
      function    = { name = module.scim.name, live = module.scim.live, arn = module.scim.live_arn }
      input       = { pull_directories = {} }
    }
    health = {
      description = "Looks at everything: providers, our own data plane, queues, keys, tables, the lock."
      expression  = var.health.minutes == 1 ? "rate(1 minute)" : "rate(${var.health.minutes} minutes)"
      function    = { name = module.health.name, live = module.health.live, arn = module.health.live_arn }
      input       = { probe = {} }
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.schedules

  name                = "${local.prefix}-${each.key}"
  description         = each.value.description
  schedule_expression = each.value.expression
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.schedules

  rule = aws_cloudwatch_event_rule.this[each.key].name
  # A name of ours: one made by the provider is new with every deployment, and looks like a secret in the state.
  target_id = each.key
  arn       = each.value.function.arn
  input     = jsonencode(each.value.input)

  depends_on = [aws_lambda_permission.schedule]
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.schedules

  statement_id  = "Schedule-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = each.value.function.name
  qualifier     = each.value.function.live
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}

# What was missed is made up by the next: a checkpoint covers the minute before, a pass what the last one left, and the status says for
# how long its word holds. A retry would only race with that one. What fails again and again shows in its alarms.
resource "aws_lambda_function_event_invoke_config" "once" {
  for_each = {
    actions      = module.actions
    approvals    = module.approvals
    audit_writer = module.audit_writer
    health       = module.health
    scim         = module.scim
  }

  function_name                = each.value.name
  qualifier                    = each.value.live
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

moved {
  from = aws_lambda_function_event_invoke_config.actions
  to   = aws_lambda_function_event_invoke_config.once["actions"]
}

moved {
  from = aws_lambda_function_event_invoke_config.approvals
  to   = aws_lambda_function_event_invoke_config.once["approvals"]
}

moved {
  from = aws_lambda_function_event_invoke_config.audit_writer
  to   = aws_lambda_function_event_invoke_config.once["audit_writer"]
}

moved {
  from = aws_lambda_function_event_invoke_config.health
  to   = aws_lambda_function_event_invoke_config.once["health"]
}

moved {
  from = aws_lambda_function_event_invoke_config.scim
  to   = aws_lambda_function_event_invoke_config.once["scim"]
}
