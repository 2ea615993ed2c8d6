output "account" {
  value = local.account
}

output "tables" {
  value = merge({ for name, table in aws_dynamodb_table.this : name => table.name }, {
    ledger = aws_dynamodb_table.apart["ledger"].name
    tokens = aws_dynamodb_table.apart["tokens"].name
    status = aws_dynamodb_table.apart["status"].name
    votes  = aws_dynamodb_table.apart["votes"].name

    approvals = aws_dynamodb_table.apart["approvals"].name
  })
}

output "queues" {
  value = { for name, queue in merge(
    { audit = aws_sqs_queue.audit, audit_dlq = aws_sqs_queue.audit_dead_letters },
    aws_sqs_queue.work,
    { for name, queue in aws_sqs_queue.work_dead_letters : "${name}_dlq" => queue },
  ) : name => { url = queue.url, arn = queue.arn } }
}

output "buckets" {
  value = local.buckets
}

output "kms_key_arn" {
  value = aws_kms_key.root.arn
}

output "signing_keys" {
  description = "ARNs of the keys that sign, by signer."
  value       = local.signing_keys
}

output "log_origin" {
  description = "Name of the region log in its checkpoints."
  value       = local.log_origin
}

output "functions" {
  value = {
    admin        = module.admin.name
    gateway      = module.gateway.name
    dlp          = module.dlp.name
    audit-writer = module.audit_writer.name
    lifecycle    = module.lifecycle.name
    scim         = module.scim.name
    health       = module.health.name
    actions      = module.actions.name
    approvals    = module.approvals.name
  }
}

output "log_groups" {
  value = [module.admin.log_group, module.gateway.log_group, module.dlp.log_group, module.audit_writer.log_group, module.lifecycle.log_group, module.scim.log_group, module.health.log_group, module.actions.log_group, module.approvals.log_group]
}

output "gateway_url" {
  value = trimsuffix(module.gateway_ingress.url, "/")
}

output "gateway_url_id" {
  value = module.gateway_ingress.url_id
}

output "dlp_url" {
  value = trimsuffix(module.dlp_ingress.url, "/")
}

output "dlp_url_id" {
  value = module.dlp_ingress.url_id
}

output "admin_url" {
  value = trimsuffix(module.admin_ingress.url, "/")
}

output "admin_url_id" {
  value = module.admin_ingress.url_id
}

output "scim_url" {
  value = trimsuffix(module.scim_ingress.url, "/")
}

output "scim_url_id" {
  value = module.scim_ingress.url_id
}

output "status_url" {
  description = "The page that shows how the region is, for everybody."
  value       = trimsuffix(module.health_ingress.url, "/")
}

output "status_url_id" {
  value = module.health_ingress.url_id
}

output "actions_url" {
  description = "Where agents ask for actions, and tools take permits."
  value       = trimsuffix(module.actions_ingress.url, "/")
}

output "actions_url_id" {
  value = module.actions_ingress.url_id
}

output "approvals_url" {
  description = "Where people decide, unless approvals.origin says another address."
  value       = trimsuffix(module.approvals_ingress.url, "/")
}

output "approvals_url_id" {
  value = module.approvals_ingress.url_id
}

output "bootstrap_url" {
  description = "Where the role `bootstrap` makes the first organization; null without admin.bootstrap."
  value       = one([for url in aws_lambda_function_url.bootstrap[*].function_url : trimsuffix(url, "/")])
}

output "bootstrap_url_id" {
  value = one(aws_lambda_function_url.bootstrap[*].url_id)
}

output "ops_environment" {
  description = "What `countersign ops` needs in its environment."
  value       = local.ops_environment
}

output "roles" {
  value = merge({ for name, role in aws_iam_role.staff : name => role.arn }, {
    admin        = module.admin.role_arn
    gateway      = module.gateway.role_arn
    dlp          = module.dlp.role_arn
    audit-writer = module.audit_writer.role_arn
    lifecycle    = module.lifecycle.role_arn
    scim         = module.scim.role_arn
    health       = module.health.role_arn
    actions      = module.actions.role_arn
    approvals    = module.approvals.role_arn
  })
}

output "athena_workgroup" {
  value = aws_athena_workgroup.audit.name
}

output "glue_database" {
  value = aws_glue_catalog_database.agents.name
}
