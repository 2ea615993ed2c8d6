# Where `admin`, `actions` and `approvals` are found, in a row that they read: in their environments each would have to be made after
# the others.

locals {
  # The emulator serves function URLs below a path of its own.
  urls_of = { for name, ingress in { actions = module.actions_ingress, admin = module.admin_ingress } :
    name => var.health.url_base == "" ? ingress.url : "${var.health.url_base}${ingress.url_id}"
  }

  # Apart from the others: `admin` hands sessions over to its page, and is made after it.
  approvals_url = var.health.url_base == "" ? module.approvals_ingress.url : "${var.health.url_base}${module.approvals_ingress.url_id}"

  approvals_address = trimsuffix(var.approvals.origin == "" ? local.approvals_url : var.approvals.origin, "/")

  addresses = {
    admin     = trimsuffix(var.admin.origin == "" ? local.urls_of.admin : var.admin.origin, "/")
    actions   = trimsuffix(local.urls_of.actions, "/")
    approvals = local.approvals_address
  }
}

resource "aws_dynamodb_table_item" "addresses" {
  table_name = aws_dynamodb_table.this["control"].name
  hash_key   = "pk"
  range_key  = "sk"
  item = jsonencode(merge(
    { pk = { S = "PLATFORM" }, sk = { S = "ADDRESSES" }, v = { N = "1" } },
    { for name, address in local.addresses : name => { S = address } },
  ))
}
