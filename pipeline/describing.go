package pipeline

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// describe is what a report says about a person beside the series.
func (b *batch) describe(p *study.Subject) result.Subject {
	s := result.Subject{
		ID: p.ID, Study: b.study.Name, Clinic: b.study.Clinic.Name,
		Version: b.opts.Version, OpenCV: cv.Version(), Settings: b.settingsHash,
		Internal: !slices.ContainsFunc(p.Consent, func(c study.Consent) bool {
			return slices.Contains(c.Scope, "clinical") && c.Withdrawn.IsZero()
		}),
	}
	s.Notes = b.notes[p.ID]
	s.Born, s.Covariates, s.RetainUntil = p.Born, p.Covariates, p.RetainUntil.String()
	if p.Treatment != nil {
		s.TreatedZones = p.Treatment.Zones
	}
	for _, c := range p.Consent {
		s.Consents = append(s.Consents, result.Consent{Scope: c.Scope, Signed: c.Signed.String(), Expires: c.Expires.String(), Withdrawn: c.Withdrawn.String(),
			Document: c.Document, DocumentSHA256: b.document(p, c.Document)})
	}
	for _, v := range p.Sessions {
		if t := v.Treated; t != nil {
			s.Treatments = append(s.Treatments, result.Treatment{
				Session: v.ID, Date: t.Date.String(), Device: t.Device, Adjunct: t.Adjunct,
				Passes: t.Passes, DepthMM: t.DepthMM,
			})
		}
	}
	return s
}

// documentHash is the SHA-256 of a file in a person's folder; empty where it cannot
// be read, which a missing paper must not make a failure of the measurement.
func documentHash(dir, name string) string {
	if name == "" || !filepath.IsLocal(name) {
		return ""
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return ""
	}
	defer root.Close()
	data, err := root.ReadFile(name)
	if err != nil {
		return ""
	}
	return hash(data)
}

func summarise(out string, s result.Subject) SubjectSummary {
	sum := SubjectSummary{ID: s.ID, Report: filepath.Join(out, s.ID, reportFile), Primary: map[result.Verdict]int{}}
	for _, v := range s.Series {
		for _, t := range v.Trends {
			switch {
			case t.Role == "primary":
				sum.Primary[t.Verdict]++
			case t.Role == "safety" && t.Verdict == result.Worsened:
				sum.Safety++
			}
		}
	}
	return sum
}
