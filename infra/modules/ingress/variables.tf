variable "function_name" {
  description = "The function that answers."
  type        = string
}
