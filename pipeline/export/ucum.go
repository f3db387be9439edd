package export

// ucum gives the units of the tables in the Unified Code for Units of Measure,
// case-sensitive. Braces annotate and do not change the unit: an optical density
// is a pure number, and in thousandths of it that number times 10*-3.
var ucum = map[string]string{
	"":                  "1",
	"1":                 "1",
	"percent":           "%",
	"percentage_points": "%",
	"percent_ipd":       "%{ipd}",
	"per_ipd":           "{ipd}",
	"count":             "{count}",
	"per_cm2":           "/cm2",
	"mm_per_cm2":        "mm/cm2",
	"um":                "um",
	"mm":                "mm",
	"mm2":               "mm2",
	"px":                "{px}",
	"px2":               "{px2}",
	"px/mm":             "{px}/mm",
	"deg":               "deg",
	"days":              "d",
	"d":                 "d",
	"a":                 "a",
	"bit":               "bit",
	"bins2":             "{bins2}",
	"CIELAB":            "{CIELAB}",
	"EV":                "{EV}",
	"OD":                "{OD}",
	"ODx1000":           "10*-3{OD}",
	"log10x100":         "10*-2{log10}",
}

// UCUM is the code of a unit of the tables; empty where the unit is empty or not
// known.
func UCUM(unit string) string {
	if unit == "" {
		return ""
	}
	return ucum[unit]
}
