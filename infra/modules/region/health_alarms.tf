# What the health function finds, what functions themselves report, and what a line of a log must call somebody for. Each alarm has
# its section in the README's runbook; a test compares them.

locals {
  # What is checked (`domain`, status.rs), and what it means that it does not hold.
  checks = {
    gateway      = "A call of the canary was not served, for a reason that is no provider's: agents are not served either."
    dlp          = "What the canary planted in its call was not taken out, as its record says."
    audit        = "The canary's record cannot be read within 20 seconds: the audit writer is behind or has stopped. Records wait in the queue."
    checkpoint   = "The published checkpoint of the region log is older than three minutes."
    queues       = "More than 10,000 messages wait in a queue, or nobody can say."
    dead-letters = "A queue has set messages aside."
    keys         = "A key of KMS is not enabled, or is to be deleted."
    tables       = "A table is not active, or has no point-in-time recovery."
    lock         = "The lock of the ledger's bucket is weaker than it was set up."
    expiry       = "Something that the platform shows to others ends within 14 days."
    drills       = "A drill is overdue, failed or was never held: make drill, or countersign ops drill."
  }

  # The checks of the region hold their word for two runs: an alarm looks at the newest.
  health_period = max(60, var.health.minutes * 60)

  functions = {
    actions      = { name = module.actions.name, timeout_seconds = var.actions.timeout_seconds }
    approvals    = { name = module.approvals.name, timeout_seconds = var.approvals.timeout_seconds }
    admin        = { name = module.admin.name, timeout_seconds = var.admin.timeout_seconds }
    audit-writer = { name = module.audit_writer.name, timeout_seconds = var.audit_writer.timeout_seconds }
    dlp          = { name = module.dlp.name, timeout_seconds = var.dlp.timeout_seconds }
    gateway      = { name = module.gateway.name, timeout_seconds = var.gateway.timeout_seconds }
    health       = { name = module.health.name, timeout_seconds = var.health.timeout_seconds }
    lifecycle    = { name = module.lifecycle.name, timeout_seconds = var.lifecycle_function.timeout_seconds }
    scim         = { name = module.scim.name, timeout_seconds = var.scim.timeout_seconds }
  }

  # Lines of logs, by the function that writes them.
  line_alarms = {
    breaker-opened    = { group = module.gateway.log_group, pattern = "\"breaker.opened\"", description = "Calls found that an endpoint of a provider fails, and its breaker opened: calls go to the next provider of each tenant's list, if there is one." }
    budget-exhausted  = { group = module.gateway.log_group, pattern = "\"budget.exhausted\"", description = "A limit is used up: calls that it bounds are refused until its period is over or it is raised." }
    call-not-closed   = { group = module.gateway.log_group, pattern = "\"call.not_closed\"", description = "A call ended and could not be settled or its outcome not be recorded: its attempt stays unpaired." }
    action-not-closed = { group = module.actions.log_group, pattern = "\"action.not_closed\"", description = "An action was asked for, and how that ended could not be recorded: its attempt stays unpaired." }
    step-not-recorded = { group = module.approvals.log_group, pattern = "\"step.not_recorded\"", description = "Somebody decided, or was told, and how that ended could not be recorded: its attempt stays unpaired." }
    approval-not-told = { group = module.approvals.log_group, pattern = "\"approval.not_told\"", description = "The queue did not take the word of a step of a request: the clock tells it again, some minutes late." }
    break-glass-used  = { group = module.admin.log_group, pattern = "\"admin.break_glass_used\"", description = "A platform administrator opened a way into a tenant." }
  }
}

resource "aws_cloudwatch_metric_alarm" "check" {
  for_each = local.checks

  alarm_name          = "${local.prefix}-check-${each.key}"
  alarm_description   = each.value
  namespace           = "Countersign"
  metric_name         = "CheckDown"
  dimensions          = { Stack = local.prefix, Check = each.key }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = local.health_period
  evaluation_periods  = 1
  # That nothing is checked at all is an alarm of its own.
  treat_missing_data = "notBreaching"
  alarm_actions      = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "endpoint_down" {
  alarm_name          = "${local.prefix}-endpoint-down"
  alarm_description   = "The platform's own probe of a provider's endpoint fails: the line check.down says which."
  namespace           = "Countersign"
  metric_name         = "EndpointsDown"
  dimensions          = { Stack = local.prefix }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = local.health_period
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# Two missed runs, whatever the reason: the rule is off, the function fails, is throttled or hangs.
resource "aws_cloudwatch_metric_alarm" "health_silent" {
  alarm_name          = "${local.prefix}-health-silent"
  alarm_description   = "The health function has not finished two runs: nothing is known of the platform, and the status page says so."
  namespace           = "Countersign"
  metric_name         = "HealthRuns"
  dimensions          = { Stack = local.prefix }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = local.health_period
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = local.functions

  alarm_name          = "${local.prefix}-${each.key}-errors"
  alarm_description   = "The function fails in three of five minutes."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = each.value.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# What the function tells of itself: an answer of 500 and above is no error to Lambda. A provider's failures are among them.
resource "aws_cloudwatch_metric_alarm" "failing" {
  for_each = local.functions

  alarm_name          = "${local.prefix}-${each.key}-failing"
  alarm_description   = "More than one of twenty answers within five minutes is a failure, and at least five are."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns

  metric_query {
    id          = "share"
    label       = "Failures in a hundred answers"
    expression  = "IF(failed >= 5, 100 * failed / (served + refused + failed), 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = toset(["Served", "Refused", "Failed"])

    content {
      id = lower(metric_query.value)

      metric {
        namespace   = "Countersign"
        metric_name = metric_query.value
        dimensions  = { Function = each.value.name }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each = local.functions

  alarm_name          = "${local.prefix}-${each.key}-throttled"
  alarm_description   = "Invocations were refused: the function's reserved concurrency, or the account's, is used up."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = each.value.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  for_each = local.functions

  alarm_name          = "${local.prefix}-${each.key}-slow"
  alarm_description   = "An invocation took nine tenths of the time that the function has: the next may be cut off."
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = each.value.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.timeout_seconds * 900
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# SQS tells the age of what waits to CloudWatch alone. The audit queue's is in alarms.tf.
resource "aws_cloudwatch_metric_alarm" "lifecycle_lag" {
  alarm_name          = "${local.prefix}-lifecycle-lag"
  alarm_description   = "For an hour nobody has dealt with what somebody who has left held. They are out all the same."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.work["lifecycle"].name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 3600
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "approvals_lag" {
  alarm_name          = "${local.prefix}-approvals-lag"
  alarm_description   = "For half an hour somebody was not told of a request. It waits on the page all the same."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.work["approvals"].name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1800
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_log_metric_filter" "line" {
  for_each = var.drop_conditions ? {} : local.line_alarms # not for the emulator

  name           = "${local.prefix}-${each.key}"
  log_group_name = each.value.group
  pattern        = each.value.pattern

  metric_transformation {
    namespace = "Countersign"
    name      = "${local.prefix}-${each.key}"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "line" {
  for_each = local.line_alarms

  alarm_name          = "${local.prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "Countersign"
  metric_name         = "${local.prefix}-${each.key}"
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# One page for whoever is woken: what agents see, what the ledger does, what waits, and what is found every five minutes.
resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.prefix

  dashboard_body = jsonencode({
    widgets = [for place, widget in local.widgets : {
      type   = "metric"
      x      = place % 2 * 12
      y      = floor(place / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = widget.title
        region  = var.region_name
        period  = 60
        stat    = widget.stat
        view    = "timeSeries"
        metrics = widget.metrics
      }
    }]
  })
}

locals {
  widgets = [
    { title = "Calls of agents", stat = "Sum", metrics = [for metric in ["Invocations", "Errors", "Throttles"] : ["AWS/Lambda", metric, "FunctionName", module.gateway.name]] },
    { title = "Duration, p99, in milliseconds", stat = "p99", metrics = [for one in values(local.functions) : ["AWS/Lambda", "Duration", "FunctionName", one.name]] },
    { title = "Errors", stat = "Sum", metrics = [for one in values(local.functions) : ["AWS/Lambda", "Errors", "FunctionName", one.name]] },
    { title = "Refused", stat = "Sum", metrics = [for one in values(local.functions) : ["Countersign", "Refused", "Function", one.name]] },
    { title = "Failed", stat = "Sum", metrics = [for one in values(local.functions) : ["Countersign", "Failed", "Function", one.name]] },
    { title = "Throttles", stat = "Sum", metrics = [for one in values(local.functions) : ["AWS/Lambda", "Throttles", "FunctionName", one.name]] },
    { title = "Age of what waits, in seconds", stat = "Maximum", metrics = [for queue in values(local.watched_queues) : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue.name]] },
    { title = "Set aside", stat = "Maximum", metrics = [for queue in values(local.watched_dead_letters) : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name]] },
    { title = "Checks that do not hold", stat = "Maximum", metrics = [for check in keys(local.checks) : ["Countersign", "CheckDown", "Stack", local.prefix, "Check", check]] },
    { title = "How long a call and its record took, in milliseconds", stat = "Maximum", metrics = [for check in ["gateway", "audit"] : ["Countersign", "CheckMillis", "Stack", local.prefix, "Check", check]] },
    { title = "Endpoints that do not answer, and runs of health", stat = "Maximum", metrics = [for metric in ["EndpointsDown", "HealthRuns"] : ["Countersign", metric, "Stack", local.prefix]] },
    { title = "Lines that call somebody", stat = "Sum", metrics = [for name in keys(local.line_alarms) : ["Countersign", "${local.prefix}-${name}"]] },
  ]
}
