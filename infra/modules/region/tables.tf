# DynamoDB, split by who may write. On demand, point-in-time recovery, encrypted with AWS's managed key.

resource "aws_dynamodb_table" "this" {
  for_each = toset(["control", "identity", "gates", "keys", "kill"])

  name                        = "${local.prefix}-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  # Rate windows expire an hour after their minute; sign-ins, invitations, questions to the log and changes that nobody
  # confirmed, some time after they are over.
  dynamic "ttl" {
    for_each = contains(["control", "gates", "identity"], each.key) ? ["expires"] : []

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  # A wrapped root that was shredded must leave the backups too: they are bounded to 35 days everywhere.
  point_in_time_recovery {
    enabled                 = true
    recovery_period_in_days = 35
  }

  server_side_encryption {
    enabled = true
  }
}

# The switch above everybody, in copies so that no partition is read by all. An absent one refuses, so that it must be there
# before the first call; from then on it belongs to `countersign ops kill`, and no deployment turns it.
resource "aws_dynamodb_table_item" "platform_kill" {
  count = 16

  table_name = aws_dynamodb_table.this["kill"].name
  hash_key   = "pk"
  range_key  = "sk"
  item = jsonencode(merge(
    { pk = { S = "PLATFORM#${count.index}" }, sk = { S = "KILL" }, v = { N = "1" }, version = { N = "1" } },
    { for scope in ["all", "llm", "actions", "new_keys"] : scope => { BOOL = false } },
  ))

  lifecycle {
    ignore_changes = [item]
  }
}

# Tables beside the others on purpose: the policies of the gateway and the operator are made from that map, and these are out of their reach.
locals {
  # The attribute by which rows expire, where any do.
  apart = {
    # Heads of the tenants' logs and the rows that tell known events: the audit writer's alone. Only the latter expire, long after SQS
    # has forgotten the message.
    ledger = "expires"
    # What tokens stand for beyond one request, sealed under a person's key or the tenant's: whoever detects keeps and restores them.
    # Rows go some time after they expired. What must be gone at once is gone with its key: a backup keeps sealed bytes.
    tokens = "ttl"
    # What health found: nobody else writes here, but for the drills that an operator held. Days go after 400.
    status = "expires"
    # Requests and what people said of them: `actions` and `approvals` reach it, no operator either. Looks, absences, figures and what
    # was told expire. Requests and comments stay.
    votes = "expires"
    # Permits that were taken. Apart from those, so that whoever decides cannot take, and no row expires: one that were gone could be
    # taken again.
    approvals = null
  }
}

resource "aws_dynamodb_table" "apart" {
  for_each = local.apart

  name                        = "${local.prefix}-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  dynamic "ttl" {
    for_each = each.value == null ? [] : [each.value]

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled                 = true
    recovery_period_in_days = 35
  }

  server_side_encryption {
    enabled = true
  }
}

moved {
  from = aws_dynamodb_table.ledger
  to   = aws_dynamodb_table.apart["ledger"]
}

moved {
  from = aws_dynamodb_table.tokens
  to   = aws_dynamodb_table.apart["tokens"]
}

moved {
  from = aws_dynamodb_table.status
  to   = aws_dynamodb_table.apart["status"]
}
