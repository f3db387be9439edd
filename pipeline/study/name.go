package study

import (
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// fold maps names that some file system takes for the same (differing in case,
// or in how an accent is encoded) to one form.
func fold(s string) string {
	// Small letters first: Fold alone changes the Cherokee ones into one another.
	return norm.NFC.String(cases.Fold().String(strings.ToLower(norm.NFC.String(s))))
}

// maxNameBytes leaves room for suffixes below the 255 bytes of common file
// systems.
const maxNameBytes = 100

// reservedNames are devices on Windows whatever their extension, where an output
// folder may be opened.
var reservedNames = []string{
	"con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7",
	"com8", "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
}

// outputNames are extensions of files that lie beside the subjects' folders.
var outputNames = []string{".csv", ".json", ".html", ".parquet"}

// unsafeName says why a subject, session or view name cannot be part of an
// output path or a table, or is empty. Spaces and letters of any script are
// fine.
func unsafeName(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	stem, _, _ := strings.Cut(strings.ToLower(s), ".")
	switch {
	case s == "":
		return "is empty"
	case len(s) > maxNameBytes:
		return "is longer than 100 bytes"
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsMark(r) }):
		return "holds a control character or an unusual space"
	case strings.ContainsAny(s, `/\:*?"<>|`):
		return `holds one of / \ : * ? " < > |`
	case !unicode.IsLetter(first) && !unicode.IsNumber(first) && first != '_':
		// Also keeps a spreadsheet from reading =, +, - or @ as a formula.
		return "does not start with a letter or a digit"
	case strings.HasSuffix(s, ".") || strings.HasSuffix(s, " "):
		return "ends in a dot or a space"
	case slices.Contains(reservedNames, strings.TrimSpace(stem)):
		return "is reserved by Windows"
	case slices.Contains(outputNames, filepath.Ext(strings.ToLower(s))):
		return "looks like one of the output files"
	}
	return ""
}

// UnsafeName says why a text from outside a manifest, such as a printed code, cannot be
// a subject's id; empty where it can.
func UnsafeName(s string) string { return unsafeName(s) }
