package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// fhirSink writes one transaction bundle a person, and all resources once more as
// one batch.
type fhirSink struct {
	dir      string
	recorded string
	docs     map[string]metrics.Metric
	batch    *bundleFile
	devices  map[string]bool // that the batch has
}

func newFHIR(dir string, o Options) (*fhirSink, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	s := &fhirSink{dir: dir, recorded: o.AsOf.String() + "T00:00:00Z", docs: map[string]metrics.Metric{}, devices: map[string]bool{}}
	for _, m := range metrics.All() {
		s.docs[m.Name] = m
	}
	var err error
	s.batch, err = newBundle(filepath.Join(dir, "batch.json"), "batch")
	return s, err
}

func (s *fhirSink) close() error { return s.batch.close() }

// add writes the resources of a person to a bundle of its own and to the batch.
func (s *fhirSink) add(p *person) (err error) {
	own, err := newBundle(filepath.Join(s.dir, p.code+".json"), "transaction")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.close()) }()
	var made []reference
	write := func(kind, id string, resource any) error {
		e := put(kind, id, resource)
		if kind == "Device" {
			if err := own.write(e); err != nil || s.devices[id] {
				return err
			}
			s.devices[id] = true
			return s.batch.write(e)
		}
		if kind != "Patient" && kind != "Provenance" {
			made = append(made, reference{e.Request.URL})
		}
		return errors.Join(own.write(e), s.batch.write(e))
	}
	d := software(p)
	if err := write("Device", d.ID, d); err != nil {
		return err
	}
	pat := patient{"Patient", p.code, []identifier{{fhirBase + "export-code", p.code}}}
	if err := write("Patient", pat.ID, pat); err != nil {
		return err
	}
	who := resources{fhirSink: s, p: p, subject: reference{"Patient/" + pat.ID}, device: reference{"Device/" + d.ID}, write: write}
	for i := range p.Series {
		if err := who.series(&p.Series[i], fmt.Sprintf("%s-v%d", p.code, i)); err != nil {
			return err
		}
	}
	if len(made) == 0 {
		return nil
	}
	return write("Provenance", p.code+"-provenance", provenance{"Provenance", p.code + "-provenance", made, s.recorded,
		concept{Text: "Measured by software from photographs; de-identified for research: days instead of dates, codes instead of names, no photographs"},
		[]agent{{concept{Coding: []coding{standard("provenance-participant-type", "assembler")}}, who.device}}})
}

var notInIDs = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// software is the program that measured a person.
func software(p *person) device {
	id := strings.Trim(notInIDs.ReplaceAllString("dermatrend-"+p.Version+"-opencv-"+p.OpenCV, "-"), "-")
	return device{"Device", id[:min(len(id), 64)], "active", []deviceName{{"dermatrend", "model-name"}}, concept{Text: "software that measures photographs"},
		[]deviceVersion{{nil, "dermatrend " + p.Version}, {nil, "OpenCV " + p.OpenCV}}}
}

// resources makes those of one person.
type resources struct {
	*fhirSink
	p               *person
	subject, device reference
	write           func(kind, id string, resource any) error
}

func (r *resources) series(v *result.Series, prefix string) error {
	photos := map[photoKey]string{}
	number := 0
	for i := 0; i < len(v.Measurements); {
		// One value at all its sharpnesses.
		first := &v.Measurements[i]
		n := 1
		for i+n < len(v.Measurements) && sameValue(first, &v.Measurements[i+n]) {
			n++
		}
		key := photoKey{first.Session, first.Photo}
		if photos[key] == "" {
			photos[key] = strings.ToLower(fmt.Sprintf("%s-%s-%s", prefix, first.Session, first.Photo))
			if err := r.write("Media", photos[key], r.media(photos[key], first)); err != nil {
				return err
			}
		}
		number++
		id := fmt.Sprintf("%s-m%d", prefix, number)
		if err := r.write("Observation", id, r.measured(id, photos[key], v.Measurements[i:i+n])); err != nil {
			return err
		}
		i += n
	}
	for i := range v.Trends {
		id := fmt.Sprintf("%s-t%d", prefix, i+1)
		if err := r.write("Observation", id, r.trend(id, &v.Trends[i])); err != nil {
			return err
		}
	}
	return nil
}

func sameValue(a, b *result.Measurement) bool {
	return a.Session == b.Session && a.Photo == b.Photo && a.Zone == b.Zone && a.Metric == b.Metric
}

func (r *resources) media(id string, m *result.Measurement) media {
	return media{"Media", id, "completed", concept{Coding: []coding{standard("media-type", "image")}}, own("view", m.View, m.View), r.subject,
		concept{Text: "face"}, attachment{fmt.Sprintf("Photograph %s of session %s, day %d; not part of this export", m.Photo, m.Session, m.Day)}, nil}
}

var imaging = []concept{{Coding: []coding{standard("observation-category", "imaging")}}}

// measured is one metric in one zone of one photo: the value as photographed, and
// as components those at matched sharpness.
func (r *resources) measured(id, photo string, rows []result.Measurement) observation {
	m := &rows[0]
	doc := r.docs[m.Metric]
	o := observation{ResourceType: "Observation", ID: id, Status: "final", Category: imaging,
		Code: own("metric", m.Metric, m.Metric), Subject: r.subject, BodySite: site(m.Zone),
		Method: &concept{Text: doc.Doc}, Device: &r.device, DerivedFrom: []reference{{"Media/" + photo}}}
	o.Component = append(o.Component, component{Code: own("component", "session", "session"), ValueString: m.Session})
	o.Component = append(o.Component, countOf("day", "days since baseline", m.Day, "d"))
	if m.DaysSinceTreatment != nil {
		o.Component = append(o.Component, countOf("days_since_treatment", "days since the last treatment", *m.DaysSinceTreatment, "d"))
	}
	native := false
	for i := range rows {
		b := &rows[i]
		q := amount(b.Value, b.Unit)
		if b.Basis == result.BasisNative {
			native = true
			o.ValueQuantity, o.DataAbsentReason = q, absent(q)
			if b.Status != result.OK || b.Reason != "" {
				o.Note = append(o.Note, annotation{strings.TrimSuffix(string(b.Status)+": "+b.Reason, ": ")})
			}
			continue
		}
		basis, session, _ := strings.Cut(b.Basis, ":")
		display := "value at the sharpness of the worst comparable session"
		if basis == "pair" {
			display = "value at the worse sharpness of this photo and session " + session
		}
		o.Component = append(o.Component, component{Code: own("component", "basis-"+strings.ReplaceAll(b.Basis, ":", "-"), display), ValueQuantity: q, DataAbsentReason: absent(q)})
	}
	if !native {
		o.DataAbsentReason = absent(nil)
	}
	return o
}

// trend is the verdict of a metric in a zone over a series.
func (r *resources) trend(id string, t *result.Trend) observation {
	o := observation{ResourceType: "Observation", ID: id, Status: "final", Category: imaging,
		Code: own("change", t.Metric, "change of "+t.Metric), Subject: r.subject, BodySite: site(t.Zone),
		Method: &concept{Text: "latest comparable session against baseline at matched sharpness, held against the smallest detectable change; view " + t.View}, Device: &r.device}
	if t.Verdict == "" {
		o.DataAbsentReason = &concept{Coding: []coding{standard("data-absent-reason", "not-applicable")}, Text: "this metric has no better or worse"}
	} else {
		verdict := own("verdict", string(t.Verdict), strings.ReplaceAll(string(t.Verdict), "_", " "))
		o.ValueCodeableConcept = &verdict
	}
	switch n, _ := responder(t).(int); {
	case n == 1:
		o.Interpretation = []concept{{Coding: []coding{standard("v3-ObservationInterpretation", "B")}, Text: "better beyond measurement error; cause not established"}}
	case t.Verdict == result.Worsened:
		o.Interpretation = []concept{{Coding: []coding{standard("v3-ObservationInterpretation", "W")}, Text: "worse beyond measurement error; cause not established"}}
	}
	for _, x := range []struct {
		code, display string
		value         result.Number
		unit          string
	}{
		{"baseline", "value at baseline", t.Baseline, t.Unit}, {"latest", "value at the latest comparable session", t.Latest, t.Unit},
		{"change", "latest less baseline", t.Change, t.Unit}, {"change_pct", "change as per cent of baseline", t.ChangePct, "percent"},
		{"sdc", "smallest detectable change, 95 %", t.SDC, t.Unit}, {"limit", "change that the verdict asked for", t.Limit, t.Unit},
		{"slope_per_30d", "slope per 30 days", t.SlopePer30d, t.Unit},
	} {
		if q := amount(x.value, x.unit); q != nil {
			o.Component = append(o.Component, component{Code: own("component", x.code, x.display), ValueQuantity: q})
		}
	}
	for _, text := range []string{t.Role, t.Qualifier, t.Reason} {
		if text != "" {
			o.Note = append(o.Note, annotation{text})
		}
	}
	return o
}

func site(zone string) *concept {
	c := own("zone", zone, strings.ReplaceAll(zone, "_", " "))
	if strings.HasSuffix(zone, "_left") || strings.HasSuffix(zone, "_right") {
		c.Text += " (the person's)"
	}
	return &c
}

const ucumSystem = "http://unitsofmeasure.org"

// amount is a number with its unit; nil where there is none.
func amount(n result.Number, unit string) *quantity {
	if !n.Known() {
		return nil
	}
	return &quantity{json.Number(n.Cell()), unit, ucumSystem, ucum[unit]}
}

func countOf(code, display string, n int, unit string) component {
	return component{Code: own("component", code, display), ValueQuantity: amount(result.Number(n), unit)}
}

// absent says that there is no value; nil where there is one.
func absent(q *quantity) *concept {
	if q != nil {
		return nil
	}
	return &concept{Coding: []coding{standard("data-absent-reason", "not-performed")}, Text: "could not be measured; the note says why"}
}

// bundleFile is a bundle that is written entry by entry.
type bundleFile struct {
	f       *file
	entries int
}

func newBundle(name, kind string) (*bundleFile, error) {
	f, err := create(name)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(f, `{"resourceType":"Bundle","type":%q`, kind)
	return &bundleFile{f, 0}, err
}

func (b *bundleFile) write(e entry) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	before := ",\n"
	if b.entries == 0 {
		before = ",\"entry\":[\n"
	}
	b.entries++
	_, err = b.f.WriteString(before)
	_, err2 := b.f.Write(data)
	return errors.Join(err, err2)
}

func (b *bundleFile) close() error {
	end := "}\n"
	if b.entries > 0 { // FHIR has no empty lists
		end = "\n]}\n"
	}
	_, err := b.f.WriteString(end)
	return errors.Join(err, b.f.close())
}
