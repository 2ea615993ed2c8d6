output "url" {
  description = "The function URL, with a slash at its end."
  value       = aws_lambda_function_url.this.function_url
}

output "url_id" {
  description = "The URL's first label; the local emulator serves it under /_aws/lambda-url/<id>/."
  value       = aws_lambda_function_url.this.url_id
}
