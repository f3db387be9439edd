# Reads CSV tables with R as anybody would: paths in, per table a line with its
# path and number of rows, then a line for each column with its class and number of
# values, out.
for (path in commandArgs(trailingOnly = TRUE)) {
  t <- read.csv(path, na.strings = "", check.names = TRUE)
  cat(path, nrow(t), sep = "\t")
  cat("\n")
  for (name in names(t)) {
    cat("", name, if (is.numeric(t[[name]])) "f" else "O", sum(!is.na(t[[name]])), sep = "\t")
    cat("\n")
  }
}
