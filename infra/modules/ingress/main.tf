# The public way in: a function URL. The function authenticates callers itself, so the URL has no AWS authentication.
#
# AWS asks for two permissions since October 2025: InvokeFunctionUrl, and InvokeFunction under the condition that the
# call came through the URL. Without that condition anybody could invoke the function directly with an event of their
# own making, source address included. Provider 5.100.0 cannot express the condition (`invoked_via_function_url` came
# with 6.28), CloudFormation can; hence the stack. If the stack fails, no unconditioned permission is left behind.

resource "aws_lambda_function_url" "this" {
  function_name      = var.function_name
  qualifier          = var.qualifier
  authorization_type = "NONE"
  invoke_mode        = "RESPONSE_STREAM"
}

resource "aws_lambda_permission" "url" {
  statement_id           = "PublicUrl"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = var.function_name
  qualifier              = var.qualifier
  principal              = "*"
  function_url_auth_type = "NONE"
}

resource "aws_cloudformation_stack" "via_url" {
  name = "${var.function_name}-via-url"

  template_body = jsonencode({
    Description = "lambda:InvokeFunction for everybody, only through the function URL of ${var.function_name}"
    Resources = {
      ViaUrl = {
        Type = "AWS::Lambda::Permission"
        Properties = {
          Action                = "lambda:InvokeFunction"
          FunctionName          = "${var.function_name}:${var.qualifier}"
          Principal             = "*"
          InvokedViaFunctionUrl = true
        }
      }
    }
  })
}
