package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// runRecord is run.json: what the results rest on. It knows no clock and no
// paths, so that the same input gives the same record.
type runRecord struct {
	Format         int             `json:"format"` // 1
	Version        string          `json:"version"`
	OpenCV         string          `json:"opencv"`
	Study          string          `json:"study"`
	SettingsSHA256 string          `json:"settings_sha256"`
	Settings       Config          `json:"settings"`
	SDC            string          `json:"sdc"` // the shipped table
	Subjects       []subjectRecord `json:"subjects"`
	Counts         counts          `json:"counts"`
}

// subjectRecord is kept for each person, since `run --subject` may have measured
// them with different versions and settings.
type subjectRecord struct {
	ID             string                       `json:"id"`
	Version        string                       `json:"version"`
	OpenCV         string                       `json:"opencv"`
	SettingsSHA256 string                       `json:"settings_sha256"`
	Inputs         map[string]map[string]string `json:"inputs_sha256"` // by view and photo
}

type counts struct {
	Subjects     int                    `json:"subjects"`
	Series       int                    `json:"series"`
	Measurements int                    `json:"measurements"`
	WithoutValue int                    `json:"measurements_without_value"`
	Trends       int                    `json:"trends"`
	Verdicts     map[result.Verdict]int `json:"verdicts"`
	Objects      int                    `json:"objects"`
	Rejections   int                    `json:"rejections"`
}

func newRecord(b *batch) *runRecord {
	return &runRecord{
		Format: 1, Version: b.opts.Version, OpenCV: cv.Version(), Study: b.study.Name,
		SettingsSHA256: b.settingsHash, Settings: b.settings, SDC: shippedSDC.Name,
		Subjects: []subjectRecord{}, Counts: counts{Verdicts: map[result.Verdict]int{}},
	}
}

func (r *runRecord) add(s result.Subject) {
	rec := subjectRecord{ID: s.ID, Version: s.Version, OpenCV: s.OpenCV, SettingsSHA256: s.Settings, Inputs: map[string]map[string]string{}}
	c := &r.Counts
	c.Subjects++
	for _, v := range s.Series {
		rec.Inputs[v.View] = v.InputSHA256
		c.Series++
		c.Measurements += len(v.Measurements)
		c.Trends += len(v.Trends)
		c.Objects += len(v.Objects)
		c.Rejections += len(v.Rejections)
		for _, m := range v.Measurements {
			if !m.Value.Known() {
				c.WithoutValue++
			}
		}
		for _, t := range v.Trends {
			c.Verdicts[t.Verdict]++
		}
	}
	r.Subjects = append(r.Subjects, rec)
}

// ids lists the persons of the record in order.
func (r runRecord) ids() []string {
	var names []string
	for _, s := range r.Subjects {
		names = append(names, s.ID)
	}
	slices.Sort(names)
	return names
}

// loadRun reads run.json of an output folder.
func loadRun(out string) (runRecord, error) {
	name := filepath.Join(out, runFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return runRecord{}, err
	}
	var r runRecord
	if err := json.Unmarshal(data, &r); err != nil || r.Format == 0 {
		return runRecord{}, fmt.Errorf("%s is not a record of dermatrend", name)
	}
	if r.Format > 1 {
		return runRecord{}, fmt.Errorf("%s was written by a newer dermatrend (%s)", name, r.Version)
	}
	return r, nil
}

// recorded is the configuration as it is recorded: a file is named by its
// content, not by where it lies.
func (c Config) recorded() (Config, error) {
	if c.FaceModel != "" {
		data, err := os.ReadFile(c.FaceModel)
		if err != nil {
			return c, usagef("face model: %w", err)
		}
		if err := cv.CheckONNX(data); err != nil {
			return c, usagef("%s: %w", c.FaceModel, err)
		}
		c.FaceModel = "sha256:" + hash(data)
	}
	if c.SDC != "" {
		data, err := os.ReadFile(c.SDC)
		if err != nil {
			return c, usagef("table of smallest detectable changes: %w", err)
		}
		if _, err := result.ParseSDC(data, c.SDC); err != nil {
			return c, usagef("%w", err)
		}
		c.SDC = "sha256:" + hash(data)
	}
	return c, nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// timings is timings.json, by subject and view: the one file that may differ
// between two runs.
type timings map[string]map[string]seriesTiming

type seriesTiming struct {
	PeakRSSMiB result.Number `json:"peak_rss_mib"` // of the worker up to the end of the series
	Stages     []stageTiming `json:"stages"`
}

type stageTiming struct {
	Session string        `json:"session,omitempty"` // empty for a stage of the whole series
	Stage   string        `json:"stage"`
	Seconds result.Number `json:"seconds"`
}

// loadTimings reads those of the earlier run, for the persons that stay. That
// they cannot be read is no reason to lose the new results.
func loadTimings(out string) timings {
	t := timings{}
	if data, err := os.ReadFile(filepath.Join(out, timingsFile)); err == nil {
		if json.Unmarshal(data, &t) != nil {
			return timings{}
		}
	}
	return t
}

// move takes the times out of a series, which then is the same in every run.
func (t timings) move(v *result.Series) {
	if t[v.Subject] == nil {
		t[v.Subject] = map[string]seriesTiming{}
	}
	times := seriesTiming{PeakRSSMiB: v.PeakRSSMiB, Stages: []stageTiming{}}
	for _, s := range v.Timings {
		times.Stages = append(times.Stages, stageTiming(s))
	}
	t[v.Subject][v.View] = times
	v.PeakRSSMiB, v.Timings = result.None(), nil
}

// only leaves out persons that are no longer there.
func (t timings) only(ids []string) timings {
	kept := timings{}
	for _, id := range ids {
		if v, ok := t[id]; ok {
			kept[id] = v
		}
	}
	return kept
}
