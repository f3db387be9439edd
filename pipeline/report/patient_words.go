package report

import (
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// patientWords are the texts of a page in its language.
type patientWords struct {
	messages
	dates bool // dates of the photos are shown
}

// topics say what metrics are about, as a patient would. Metrics that nobody tells
// apart without knowing them share one.
var topics = map[string]string{
	"erythema_index": "redness", "erythema_index_absolute": "redness", "a_star": "redness", "red_area_fraction": "red_area",
	"melanin_index": "colour", "ita_deg": "colour", "brown_area_fraction": "brown",
	"roughness_fine": "rough", "roughness_mid": "rough", "roughness_coarse": "rough",
	"glcm_contrast": "pattern", "glcm_homogeneity": "pattern", "glcm_entropy": "pattern", "glcm_correlation": "pattern",
	"pore_count": "pore_number", "pore_density_per_cm2": "pore_number", "pore_area_fraction": "pore_area",
	"pore_diameter_um_median": "pore_size", "pore_diameter_um_p90": "pore_size",
	"scar_count": "scar_number", "scar_count_boxcar": "scar_number", "scar_count_rolling": "scar_number", "scar_count_icepick": "pits",
	"scar_area_fraction": "scar_area", "scar_area_fraction_icepick": "scar_area", "scar_area_fraction_boxcar": "scar_area", "scar_area_fraction_rolling": "scar_area",
	"scar_contrast": "scar_look", "scar_contrast_icepick": "scar_look", "scar_contrast_boxcar": "scar_look", "scar_contrast_rolling": "scar_look",
	"line_density_mm_per_cm2": "lines",
}

// problems say what went wrong with a photo where a check of it is not passed, as
// who takes the next one can mend it. Checks of zones bear the zone in their names.
var problems = map[string]string{
	"resolution_pore_size": "close", "resolution_pore_count": "close",
	"scale": "distance", "perspective": "distance",
	"yaw": "pose", "pitch": "pose", "pose": "pose",
	"alignment": "fit", "alignment_agreement": "fit", "zone_alignment": "fit", "overlap": "fit",
	"light_gradient": "light", "light_direction": "light", "light_fit_residual": "light",
	"white_balance": "colour", "colour_fit": "colour", "colour_profile": "colour", "reference_ita": "colour",
	"exposure": "brightness", "clipping": "brightness",
	"glare":     "shine",
	"sharpness": "sharp", "sharpness_error": "sharp",
	"noise": "camera", "jpeg_quality": "camera", "smoothing": "camera", "fine_detail": "camera",
	"camera_model": "camera", "lens": "camera", "focal_length": "distance", "flash": "light", "light_level": "light", "iso": "camera",
	"colour_evenness": "makeup",
	"expression":      "face", "stretch": "face",
	"occlusion":  "covered",
	"date_order": "dates", "days_since_treatment": "healing",
}

// lost says why a photo has no values, by the stage where it was given up.
var lost = map[string]string{"load": "unread", "face": "no_face", "align": "fit"}

// otherReason is a reason for which there are no plain words.
const otherReason = "other"

// problem is what a check is about, and the zone that it judges; empty for all.
func problem(check string) (what, zone string) {
	if what, ok := problems[check]; ok {
		return what, ""
	}
	for name, what := range problems {
		if zone, ok := strings.CutPrefix(check, name+"_"); ok {
			return what, zone
		}
	}
	return "", ""
}

// topic is what a metric is about, in words.
func (w patientWords) topic(metric string) string {
	if t, ok := topics[metric]; ok {
		return w.name("patient_topic", t)
	}
	return w.name("metric", metric)
}

// changed says in words that a metric got better or worse.
func (w patientWords) changed(metric string, verdict result.Verdict) string {
	t, ok := topics[metric]
	switch {
	case ok:
		return w.name("patient_"+string(verdict), t)
	case verdict == result.Improved:
		return w.tell("patient.improved_other", w.topic(metric))
	}
	return w.tell("patient.worsened_other", w.topic(metric))
}

// amount is a change in per cent with the change that the verdict asked for; empty
// where the metric has no per cent.
func (w patientWords) amount(t result.Trend) string {
	if !t.ChangePct.Known() || !t.Limit.Known() || !t.Baseline.Known() || t.Baseline == 0 {
		return ""
	}
	change := int(math.Round(math.Abs(float64(t.ChangePct))))
	limit := int(math.Ceil(100 * math.Abs(float64(t.Limit/t.Baseline))))
	if change == 0 {
		return ""
	}
	return w.tell("patient.amount", change, min(limit, change)) // rounding must not turn them round
}

// pair says which photos a verdict compares.
func (w patientWords) pair(s result.Series, t result.Trend) string {
	base, later := baseline(s.Visits), slices.IndexFunc(s.Visits, func(v result.Visit) bool { return v.Session == t.LatestSession })
	if base < 0 || later < 0 {
		return w.tell("patient.pair_other")
	}
	from, to := s.Visits[base], s.Visits[later]
	if a, b := w.date(from.Date), w.date(to.Date); w.dates && a != "" && b != "" {
		return w.tell("patient.pair_dates", a, b)
	}
	switch days := to.Day - from.Day; {
	case days == 1:
		return w.tell("patient.pair_day")
	case days > 1:
		return w.tell("patient.pair_days", days)
	}
	return w.tell("patient.pair_other")
}

// told tells whether the page says what a trend came to: better, worse, or no
// change that can be seen in what was to be judged.
func told(t result.Trend) bool {
	return t.Verdict == result.Improved || t.Verdict == result.Worsened || t.Verdict == result.NoDetectableChange && t.Role != roleSecondary
}

// sharedQualifiers are those that all results of the page have.
func sharedQualifiers(s result.Subject) []string {
	shared := qualifierOrder
	n := 0
	for _, series := range s.Series {
		for _, t := range series.Trends {
			if told(t) {
				own := splitList(t.Qualifier)
				shared = slices.DeleteFunc(slices.Clone(shared), func(q string) bool { return !slices.Contains(own, q) })
				n++
			}
		}
	}
	if n == 0 {
		return nil
	}
	return shared
}

// qualifiers names those that not all results have.
func (w patientWords) qualifiers(list, shared []string) string {
	var words []string
	for _, q := range order(list, qualifierOrder) {
		if !slices.Contains(shared, q) {
			words = append(words, w.name("patient_qualifier", q))
		}
	}
	return strings.Join(words, "; ")
}

// mind explains the qualifiers that occur.
func (w patientWords) mind(s result.Subject, shared []string) []patientMind {
	var keys []string
	for _, series := range s.Series {
		for _, t := range series.Trends {
			if told(t) {
				keys = append(keys, splitList(t.Qualifier)...)
			}
		}
	}
	var list []patientMind
	for _, q := range order(keys, qualifierOrder) {
		m := patientMind{Text: w.name("patient_qualifier_doc", q)}
		if !slices.Contains(shared, q) {
			m.Name = w.name("patient_qualifier", q)
		}
		list = append(list, m)
	}
	return list
}

// adviceMost is how much advice a reader can follow at once.
const adviceMost = 6

// advice says what to do better, after the newest photos first and what cost most
// first; each once.
func (w patientWords) advice(s result.Subject) []string {
	var seen []string
	for _, series := range s.Series {
		for _, v := range slices.Backward(series.Visits) {
			for _, status := range []result.Status{result.Refused, result.Caution} {
				for _, c := range series.Comparability {
					if c.Session != v.Session || c.Status != status || softBaseline(c) {
						continue
					}
					if what, _ := problem(c.Check); what != "" {
						seen = append(seen, what)
					}
				}
			}
		}
	}
	var list []string
	for _, what := range order(seen, nil) {
		if len(list) < adviceMost {
			list = append(list, w.name("patient_advice", what))
		}
	}
	return list
}

// softBaseline tells that it was the baseline that lacked sharpness: no later photo
// can mend that.
func softBaseline(c result.Check) bool { return c.Check == "sharpness" && c.Value < 0 }

// fewScars is the least number of scars that a change of their mean can rest on where
// there is a reservation about the photos.
const fewScars = 3

// why says, by name, why a metric could not be compared in a zone, as far as the
// checks and the numbers of the results tell.
func why(s result.Series, t result.Trend) []string {
	m := catalogue[t.Metric]
	const tooDark = -30 // individual typology angle, degrees; below, redness is not judged
	switch {
	case len(s.Visits) < 2:
		return []string{"one_visit"}
	case m.Family == metrics.Redness && s.ITADeg < tooDark:
		return []string{"dark_skin"}
	case m.NeedsPxPerMM > 0 && !(s.PxPerMM > 0):
		return []string{"no_scale"}
	case float64(s.PxPerMM) < m.NeedsPxPerMM:
		return []string{"close"}
	}
	var list []string
	for _, c := range s.Comparability {
		affected := slices.Contains(splitList(c.Affects), string(m.Family))
		concerned := t.LatestSession == "" || c.Session == t.LatestSession
		what, zone := problem(c.Check)
		if c.Status == result.Refused && affected && concerned && c.Check != "resolution_pore_size" && what != "" && (zone == "" || zone == t.Zone) {
			list = append(list, what)
		}
	}
	if len(list) > 0 {
		return order(list, nil)
	}
	if yardstick(s, t) {
		return []string{"yardstick"}
	}
	if m.Family == metrics.Scars && scarsAtStart(s, t) < fewScars {
		return []string{"few_scars"}
	}
	if t.LatestSession == "" {
		for _, v := range s.Visits {
			if !v.Comparable {
				list = append(list, whyLost(s, v)...)
			}
		}
	}
	if len(list) > 0 {
		return order(list, nil)
	}
	return []string{otherReason}
}

// yardstick tells that the colour of a zone was what that of others was held
// against, for want of skin that is known to be untreated.
func yardstick(s result.Series, t result.Trend) bool {
	return t.Zone == "forehead" && slices.ContainsFunc(s.Trends, func(o result.Trend) bool {
		return o.Metric == t.Metric && slices.Contains(splitList(o.Qualifier), "relative")
	})
}

// whyLost says, by name, at what photos of a visit were given up.
func whyLost(s result.Series, v result.Visit) []string {
	var list []string
	for _, r := range s.Rejections {
		if what, ok := lost[r.Stage]; ok && r.Session == v.Session {
			list = append(list, what)
		}
	}
	return list
}

// scarsAtStart counts the scars of a metric's type at baseline.
func scarsAtStart(s result.Series, t result.Trend) int {
	base := baseline(s.Visits)
	n := 0
	for _, o := range s.Objects {
		here := o.Kind == string(metrics.Scar) && o.Zone == t.Zone && o.Session == s.Visits[base].Session && o.Reason == ""
		if here && (!typed(t.Metric) || strings.HasSuffix(t.Metric, "_"+o.Type)) {
			n++
		}
	}
	return n
}

// typed tells whether a metric of scars is about one type of them.
func typed(metric string) bool {
	return strings.HasSuffix(metric, "_icepick") || strings.HasSuffix(metric, "_boxcar") || strings.HasSuffix(metric, "_rolling")
}

// whyVisit says, by name, why no photo of a visit could be compared.
func whyVisit(s result.Series, v result.Visit) []string {
	var list []string
	for _, c := range s.Comparability {
		if what, zone := problem(c.Check); c.Session == v.Session && c.Status == result.Refused && zone == "" && c.Check != "resolution_pore_size" && what != "" {
			list = append(list, what)
		}
	}
	list = append(list, whyLost(s, v)...)
	if len(list) == 0 {
		return []string{otherReason}
	}
	return order(list, nil)
}

// reasons are reasons in words.
func (w patientWords) reasons(list []string) string {
	var words []string
	for _, k := range list {
		words = append(words, w.name("patient_why", k))
	}
	return strings.Join(words, " ")
}
