output "name" {
  value = aws_lambda_function.this.function_name
}

output "arn" {
  value = aws_lambda_function.this.arn
}

output "role_arn" {
  value = aws_iam_role.this.arn
}

output "log_group" {
  value = aws_cloudwatch_log_group.this.name
}

output "live" {
  description = "Name of the alias that is served."
  value       = aws_lambda_alias.live.name
}

output "live_arn" {
  value = aws_lambda_alias.live.arn
}

output "version" {
  description = "The version that is served."
  value       = aws_lambda_alias.live.function_version
}
