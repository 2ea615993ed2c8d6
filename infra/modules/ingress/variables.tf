variable "function_name" {
  description = "The function that answers."
  type        = string
}

variable "qualifier" {
  description = "The alias of it that is served."
  type        = string
}
