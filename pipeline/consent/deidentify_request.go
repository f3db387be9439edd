package consent

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Audience is for whom pictures leave the clinic's own record.
type Audience string

// Level is how much of a face pictures show.
type Level string

const (
	ForPatient     Audience = "patient" // the person's own copy
	ForPublication Audience = "publication"
	ForTeaching    Audience = "teaching"
	ForMarketing   Audience = "marketing"

	LevelZone        Level = "zone" // the skin of one zone, without eyes, mouth, ears and hairline
	LevelHalfFace    Level = "half_face"
	LevelCoveredEyes Level = "covered_eyes"
	LevelFullFace    Level = "full_face"
)

// MarketingFromDay is the first day after baseline that marketing may show:
// improvement goes on for months, and the early glow is swelling.
const MarketingFromDay = 90

// DeidentifiedZones are the zones that a picture can show without eyes, mouth, ears
// and hairline; the others lie round an eye or the mouth.
var DeidentifiedZones = []string{"forehead", "nose", "cheek_left", "cheek_right", "chin"}

// Request is what is to be handed out.
type Request struct {
	Audience Audience
	Level    Level      // empty for a patient
	Zone     string     // needed for zone and half_face; else empty for the whole face
	On       study.Date // day on which consent is looked at
	// NoMarks names who looked at the zone and confirms that it shows no tattoo and no
	// distinctive mark; needed for LevelZone.
	NoMarks string
	// ReviewedBy and ReviewedOn say which clinician reviewed it and when; needed for
	// marketing, and given together or not at all.
	ReviewedBy string
	ReviewedOn study.Date
}

// Check reports everything that is wrong with a request whoever it shows.
func (r Request) Check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	levels := []Level{LevelZone, LevelHalfFace, LevelCoveredEyes, LevelFullFace}
	switch {
	case !slices.Contains([]Audience{ForPatient, ForPublication, ForTeaching, ForMarketing}, r.Audience):
		wrong("nothing is handed out for %q", r.Audience)
	case r.Audience == ForPatient && (r.Level != "" || r.Zone != ""):
		wrong("a patient's own report has no level and no zone (--level, --zone)")
	case r.Audience != ForPatient && !slices.Contains(levels, r.Level):
		wrong("--level %q: expected zone, half_face, covered_eyes or full_face", r.Level)
	}
	if r.On.IsZero() {
		wrong("no day on which consent is looked at")
	}
	if r.Zone != "" && !slices.Contains(study.ZoneNames, r.Zone) {
		wrong("--zone %q: there are %s", r.Zone, strings.Join(study.ZoneNames, ", "))
	} else if r.Level == LevelZone && !slices.Contains(DeidentifiedZones, r.Zone) {
		wrong("--zone %q: --level zone shows one of %s; the others lie at an eye or the mouth and need another level", r.Zone, strings.Join(DeidentifiedZones, ", "))
	}
	if r.Level == LevelHalfFace && !strings.HasSuffix(r.Zone, "_left") && !strings.HasSuffix(r.Zone, "_right") {
		wrong("--zone %q: --level half_face shows the half of a zone of one side, such as cheek_left", r.Zone)
	}
	if r.Level == LevelZone && strings.TrimSpace(r.NoMarks) == "" {
		wrong("a person has to look at the zone and confirm that it shows no tattoo and no distinctive mark: --confirm-no-marks NAME")
	}
	switch reviewed := strings.TrimSpace(r.ReviewedBy) != ""; {
	case r.Audience == ForMarketing && (!reviewed || r.ReviewedOn.IsZero()):
		wrong("marketing needs a clinician's review: --reviewed-by NAME --reviewed-on DATE")
	case reviewed == r.ReviewedOn.IsZero():
		wrong("a review is by somebody and of a day: of --reviewed-by NAME and --reviewed-on DATE, one of the two is missing")
	case r.ReviewedOn.After(r.On):
		wrong("--reviewed-on %s lies after the day of consent, %s", r.ReviewedOn, r.On)
	}
	return errors.Join(errs...)
}

// Scopes are what consent has to cover, all of them, the purpose first: a face is
// recognisable for whatever purpose it is shown, with a bar over the eyes too.
func (r Request) Scopes() []string {
	var all []string
	switch r.Audience {
	case ForPatient:
		return []string{"clinical"}
	case ForTeaching:
		all = []string{"teaching"}
	case ForMarketing:
		all = []string{"marketing"}
	case ForPublication:
		if r.Level == LevelZone {
			return []string{"deidentified_report"}
		}
	}
	if r.Level != LevelZone {
		all = append(all, "identifiable_report")
	}
	return all
}

// Allows tells whether a person may be shown as requested, and if not, why; see
// [Register.Permits].
func (r *Register) Allows(subject string, q Request) (bool, string) {
	if err := q.Check(); err != nil {
		return false, err.Error()
	}
	for _, scope := range q.Scopes() {
		if ok, why := r.Permits(subject, scope, q.On); !ok {
			return false, why
		}
	}
	return true, ""
}
