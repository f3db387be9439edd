package export

import (
	"regexp"
	"slices"
	"strings"
)

// Reason is one code that a reason of the tool is reduced to.
type Reason struct {
	Code, Meaning string
	// A reason whose text holds one of these has the code.
	marks []string
}

// reasonOther stands for every text that no mark is found in. What a file name or
// a note says cannot get any further than this.
const reasonOther = "other"

// Reasons lists the codes of the column reason. What is written to an export is a
// code of this list, never a part of the text, so that no text can carry a name out.
var Reasons = []Reason{
	{"baseline", "This is the baseline photo.", nil},
	{"baseline_refused", "It is the baseline that cannot be used.", []string{"baseline: ", "has no usable photo"}},
	{"resolution", "Too few px/mm, or the photo has no scale.", []string{" px/mm", "no scale"}},
	{"too_little_skin", "Too little of the zone's skin can be seen.", []string{"of skin", "skin can be seen", "pixels of common skin", "skin inside its border", "no pixels", "is covered or"}},
	{"no_reference", "No reference skin, to which colour could be related.", []string{"no reference skin"}},
	{"not_frozen", "The baseline fixed no level of redness or pigment.", []string{"was frozen at baseline"}},
	{"nothing_found", "No scar, or too few pores or scars, for a number that describes them.", []string{"no scar found", "pores found", "scar(s) at baseline", "were not searched", "without a diameter", "scars without an area"}},
	{"noise", "Lost in the noise of the photo.", []string{"lost in noise", "above the noise", "noise of the pixels"}},
	{"uniform", "The skin is uniform to within one bin.", []string{"uniform to within"}},
	{"sharpness", "Sharpness differs from the baseline's, or could not be measured.", []string{"softer than", "blur", "sharpness"}},
	{"scale_differs", "The face is larger or smaller than at baseline.", []string{"than at baseline: step"}},
	{"pose", "The head is turned or tilted against the baseline.", []string{"the head is turned", "the head is tilted"}},
	{"distance", "The camera stood at another distance.", []string{"at another distance", "the camera stood"}},
	{"loose_alignment", "The photos lie on one another too loosely.", []string{"too loosely", "be found again"}},
	{"expression", "Another expression than at baseline.", []string{"another expression"}},
	{"exposure", "Exposure differs, or parts of the skin are clipped.", []string{"exposure", "overexposed"}},
	{"light", "The light comes from another side, or its colour differs over the face.", []string{"from another side", "light and shadow lie", "light differs over the face"}},
	{"glare", "More or less of the skin shines than at baseline.", []string{"of the skin shines"}},
	{"smoothed", "The finest detail of the skin is weaker than eyes and brows suggest: a filter.", []string{"finest detail"}},
	{"make_up", "The colour of the skin is far more even than in the other photo.", []string{"more even"}},
	{"date_order", "The camera dates the photos in another order than the manifest.", []string{"camera dates this photo"}},
	{"white_balance", "The colour of the light or the white balance differs.", []string{"white balance"}},
	{"colour_profile", "The photo is greyscale, or its colours are not known.", []string{"colour profile", "is greyscale"}},
	{"camera", "Another camera, lens, focal length or use of the flash than at baseline.", []string{"another camera", "another lens", "focal length", "flash"}},
	{"jpeg", "Strongly compressed.", []string{"compressed jpeg"}},
	{"days_since_treatment", "Too soon after a treatment.", []string{"after treatment"}},
	{"dark_skin", "Redness cannot be judged from photos of skin this dark.", []string{"skin this dark"}},
	{"not_the_same", "Another person or view, a mirrored photo, or a covered face.", []string{"another person", "another view", "mirrored", "places of common skin"}},
	{"decided", "A person who looked at the photos decided so.", []string{"alignment rejected by", "accepted by", "rejected by"}},
	{"no_face", "No face was found, or not where it was expected.", []string{"no face", "no eyes", "faces"}},
	{"unreadable", "The file is missing, damaged, or of a kind that is not read.", []string{"no such file", "unsupported", "cannot be decoded", "not an image", "is empty", "damaged", "truncated", "unexpected eof", "invalid jpeg", "invalid png"}},
	{"worker", "The process that measured it ended.", []string{"worker", "process "}},
	{"within_error", "The change is within measurement error; that is not the same as no change.", []string{"within measurement error"}},
	{"beyond_error", "The change is beyond measurement error; its cause is not established.", []string{"beyond measurement error"}},
	{"examine", "A possible worsening: examine.", []string{"possible worsening", "; examine"}},
	{"baseline_zero", "The baseline is 0: a change cannot be given in per cent.", []string{"the baseline is 0"}},
	{"no_sdc", "No smallest detectable change is known.", []string{"no smallest detectable change"}},
	{"no_other_session", "No session after the baseline could be used.", []string{"no session after the baseline"}},
	{"not_measured", "Not measured.", []string{"not measured", "cannot be measured"}},
	{"too_few", "Too few persons or values.", []string{"too few", "fewer than", "needs 6", "of each needed", "at least", "nobody has"}},
	{"no_variation", "All changes are equal or 0, or the covariate does not vary: no test.", []string{"no test", "no variation"}},
	{"model", "The mixed model has no answer; the estimate is the mean of the personal slopes.", []string{"mixed model"}},
	{"no_interval", "No interval can be given.", []string{"no interval"}},
	{"some_missing", "Some persons have no value here.", []string{"without value"}},
	{"some_untreated", "Some persons were not treated in this zone.", []string{"not treated in this zone"}},
	{reasonOther, "A reason of another kind. Its text is not exported.", nil},
}

// reasonCodes reduces a text to its codes, in the order of the list.
func reasonCodes(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	switch text {
	case "":
		return ""
	case "baseline":
		return "baseline"
	}
	var codes []string
	for _, r := range Reasons {
		if slices.ContainsFunc(r.marks, func(m string) bool { return strings.Contains(text, m) }) {
			codes = append(codes, r.Code)
		}
	}
	if codes == nil {
		return reasonOther
	}
	return strings.Join(codes, ";")
}

// sdcSource reduces the source of a smallest detectable change, which may name the
// user's own table, to codes. shipped is the name of the table of the tool.
func sdcSource(text, shipped string) string {
	if text == "" {
		return ""
	}
	first, rest, _ := strings.Cut(text, "; ")
	code := "own_table"
	switch {
	case strings.HasPrefix(first, "replicate photos in this study"):
		code = "replicates"
	case strings.HasPrefix(first, "untreated days in this study"):
		code = "untreated_days"
	case first == shipped:
		code = "shipped_table"
	}
	if strings.Contains(rest, "widened") {
		code += ";widened"
	}
	return code
}

// consentReason reduces why consent does not cover a scope to a code without the
// dates.
func consentReason(text string) string {
	for _, r := range []struct{ mark, code string }{
		{"withdrawn", "withdrawn"}, {"expired", "expired"}, {"later than", "signed_later"}, {"not signed", "not_signed"}, {"is recorded", "not_recorded"},
	} {
		if strings.Contains(text, r.mark) {
			return r.code
		}
	}
	return reasonOther
}

// known keeps the parts of a list joined by ';' that are in a closed list.
func known(list string, allowed ...string) string {
	var kept []string
	for part := range strings.SplitSeq(list, ";") {
		if slices.Contains(allowed, part) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ";")
}

// word keeps a name that the tool gives (a check, a stage); what is not of its
// form is none of them.
func word(s string) string {
	if s == "" || wordForm.MatchString(s) {
		return s
	}
	return reasonOther
}

var (
	wordForm    = regexp.MustCompile(`^[a-z][a-z_]{0,39}$`)
	versionForm = regexp.MustCompile(`^\d{1,3}(\.\d{1,4}){1,3}([-+][0-9A-Za-z.-]{1,40})?$`)
	hexForm     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	trackForm   = regexp.MustCompile(`^[A-Z]\d{1,6}$`)
	// A number that is no date, no year with more to it, and no record number.
	numberForm   = regexp.MustCompile(`^[+-]?\d{1,4}(\.\d{1,4})?$`)
	categoryForm = regexp.MustCompile(`^[A-Za-z0-9_+]{1,20}$`)
	dateLike     = regexp.MustCompile(`\d{4}`)
	notInNames   = regexp.MustCompile(`[^a-z0-9]+`)
)

// adjuncts that are named; every other is "other".
var adjuncts = []struct{ code, mark string }{
	{"prp", "prp"}, {"prp", "platelet"}, {"hyaluronic_acid", "hyaluron"}, {"tranexamic_acid", "tranexam"}, {"vitamin_c", "vitamin c"}, {"vitamin_c", "ascorb"},
	{"growth_factors", "growth factor"}, {"exosomes", "exosom"}, {"peel", "peel"}, {"laser", "laser"}, {"radiofrequency", "radiofreq"}, {"none", "none"},
}

func adjunctCode(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return ""
	}
	for _, a := range adjuncts {
		if strings.Contains(text, a.mark) {
			return a.code
		}
	}
	return reasonOther
}
