package study

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/internal/filetype"
)

// Spacing of treatments in days outside of which a note is made: needling is
// repeated every 4 to 8 weeks, for pitted scars every 2; maintenance comes after
// months and is noted as well.
const minSpacingDays, maxSpacingDays = 14, 70

// Needle lengths in mm outside of which a note is made: rollers for use at home
// start at 0.2, pens for deep scars end at 2.5.
const minDepthMM, maxDepthMM = 0.2, 2.5

// maxVisitDays is how far photos and treatment of one session may lie apart
// without a note.
const maxVisitDays = 14

// notes are remarks on what is possible but unusual. They stop nothing.
func notes(s *Subject) []string {
	var ns []string
	start := firstDay(s)
	for _, h := range s.History {
		ns = append(ns, historyNotes(h, start)...)
	}
	days := treatmentDays(s.Sessions)
	for i := 1; i < len(days); i++ {
		if d := days[i].DaysSince(days[i-1]); d < minSpacingDays || d > maxSpacingDays {
			ns = append(ns, fmt.Sprintf("%d days between the treatments of %s and %s; usual are %d to %d",
				d, days[i-1], days[i], minSpacingDays, maxSpacingDays))
		}
	}
	for _, v := range s.Sessions {
		if v.Treated == nil {
			continue
		}
		if d := v.Treated.Date.DaysSince(v.Date); len(v.Photos) > 0 && !v.Date.IsZero() && (d < -maxVisitDays || d > maxVisitDays) {
			ns = append(ns, fmt.Sprintf("session %s: photos of %s, but treatment of %s", v.ID, v.Date, v.Treated.Date))
		}
		for _, z := range ZoneNames {
			if d, ok := v.Treated.DepthMM[z]; ok && (d < minDepthMM || d > maxDepthMM) {
				ns = append(ns, fmt.Sprintf("session %s: needle length %g mm in %s; usual are %g to %g", v.ID, d, z, minDepthMM, maxDepthMM))
			}
		}
	}
	return ns
}

// unnamed tells of photos in a folder that its manifest does not name.
func unnamed(s *Subject) []string {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return nil // what is named and cannot be read is told of itself
	}
	named := map[string]bool{}
	for _, v := range s.Sessions {
		for _, p := range v.Photos {
			named[p.File] = true
		}
	}
	var names []string
	for _, e := range entries {
		if ext := strings.ToLower(filepath.Ext(e.Name())); e.Type().IsRegular() && slices.Contains(filetype.Extensions, ext) && !named[e.Name()] {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d photo(s) in the folder are not named in %s and are not read: %s", len(names), seriesFile, firstOf(names))}
}

// firstOf names the first few.
func firstOf(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:few], ", ") + fmt.Sprintf(" and %d more", len(names)-few)
}

// viewNotes tells of views in which nothing can be measured, and of series whose
// first photo does not show untreated skin. The edits must be known.
func viewNotes(s *Subject) []string {
	var ns []string
	for _, r := range s.Series() {
		drawn := slices.ContainsFunc(r.Edits, func(e Edit) bool { return e.Zone != nil })
		if r.View != ViewFront && len(s.Zones[r.View]) == 0 && !drawn {
			note := fmt.Sprintf("view %s has no automatic zones, and the manifest gives none: nothing is measured in it", r.View)
			if hint := suggest(r.View, []string{ViewFront}); hint != "" {
				note += "; " + hint
			}
			ns = append(ns, note)
		}
		if r.Sessions[0].Treatments > 0 {
			ns = append(ns, fmt.Sprintf("view %s: its baseline %s was photographed after a treatment", r.View, r.Sessions[0].ID))
		}
		if len(r.Sessions) == 1 {
			ns = append(ns, fmt.Sprintf("view %s has one session: nothing to compare", r.View))
		}
	}
	return ns
}

// firstDay is the first treatment, or where none is recorded the first photo.
func firstDay(s *Subject) Date {
	if days := treatmentDays(s.Sessions); len(days) > 0 {
		return days[0]
	}
	var first Date
	for _, v := range s.Sessions {
		if !v.Date.IsZero() && (first.IsZero() || v.Date.Before(first)) {
			first = v.Date
		}
	}
	return first
}

// speaksAgainst lists what dermatologists' advice names as reasons not to needle.
// Acne scars are a reason to needle; they are taken out before the search.
var speaksAgainst = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`\bacne\b`), "active acne"},
	{regexp.MustCompile(`\beczema|\batopic derm|\bdermatitis`), "eczema"},
	{regexp.MustCompile(`\bpsoriasis`), "psoriasis"},
	{regexp.MustCompile(`\brosacea`), "severe rosacea"},
	{regexp.MustCompile(`\bcold sore|\bherpes|\bhsv\b`), "cold sores"},
	{regexp.MustCompile(`\binfect|\bimpetigo|\bfolliculitis`), "infection"},
	{regexp.MustCompile(`\bisotretinoin|\b(ro)?accutane\b`), isotretinoin},
	{regexp.MustCompile(`\bkeloid|\bhypertrophic scar`), "keloid tendency"},
	{regexp.MustCompile(`\bblood thinner|\banticoagul|\bwarfarin|\bheparin|\bapixaban|\brivaroxaban|\bdabigatran|\bclopidogrel`), "blood thinners"},
	{regexp.MustCompile(`\bbleeding|\bha?emophilia|\bwillebrand`), "bleeding disorder"},
	{regexp.MustCompile(`\bpregnan`), "pregnancy"},
	{regexp.MustCompile(`\bnursing|\bbreast-?feeding|\blactat`), "nursing"},
	{regexp.MustCompile(`\bpeel`), "recent peel"},
	{regexp.MustCompile(`\bradiation|\bradiotherap`), "radiation therapy"},
	{regexp.MustCompile(`\blupus\b`), "lupus"},
	{regexp.MustCompile(`\bvitiligo`), "vitiligo"},
}

const isotretinoin = "isotretinoin now or within six months"

var (
	acneScars = regexp.MustCompile(`(post-?)?acne[ -]?(scar\w*|marks?)`)
	denied    = regexp.MustCompile(`^(no|never|denies)\s+(known\s+|history of\s+)?[\w-]+(\s+tendency|\s+disorder|\s+therapy)?\.?$`)
	yearMonth = regexp.MustCompile(`\b((?:19|20)\d\d)(?:-(0[1-9]|1[0-2]))?\b`)
)

// historyNotes compares an entry, word by word, with what speaks against
// treatment. It warns rather too often: the text is for a clinician to judge.
// Only a plain denial ("no keloids") and isotretinoin that ended more than six
// months before the first day are passed over.
func historyNotes(h string, first Date) []string {
	s := acneScars.ReplaceAllString(strings.ToLower(strings.TrimSpace(h)), "")
	if denied.MatchString(s) {
		return nil
	}
	var ns []string
	for _, c := range speaksAgainst {
		if !c.pattern.MatchString(s) || c.reason == isotretinoin && longAgo(s, first) {
			continue
		}
		ns = append(ns, fmt.Sprintf("history %q may speak against treatment (%s): for the clinician to judge", shorten(h), c.reason))
	}
	return ns
}

// longAgo tells whether the latest month that a text names ended more than six
// months before a day. A bare year counts to its end.
func longAgo(s string, day Date) bool {
	var last Date
	for _, m := range yearMonth.FindAllStringSubmatch(s, -1) {
		year, _ := strconv.Atoi(m[1])
		month := 12
		if m[2] != "" {
			month, _ = strconv.Atoi(m[2])
		}
		if end := NewDate(year, time.Month(month)+1, 0); end.After(last) {
			last = end
		}
	}
	if last.IsZero() || day.IsZero() {
		return false
	}
	return Date{last.AddDate(0, 6, 0)}.Before(day)
}
