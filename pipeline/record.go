package pipeline

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// runRecord is the head of run.json: what the results rest on. The persons
// ([subjectRecord]), the counts and the hashes of the tables follow it. It knows no clock and no paths, so that
// the same input gives the same record.
type runRecord struct {
	Format         int    `json:"format"` // 1
	Version        string `json:"version"`
	OpenCV         string `json:"opencv"`
	Study          string `json:"study"`
	Clinic         string `json:"clinic,omitempty"`
	SettingsSHA256 string `json:"settings_sha256"`
	Settings       Config `json:"settings"`
	SDC            string `json:"sdc"` // the shipped table
}

// subjectRecord is kept for each person, since `run --subject` may have measured
// them with different versions and settings. The rows of the tables do not repeat it:
// their columns subject and view lead here.
type subjectRecord struct {
	ID             string                       `json:"id"`
	Version        string                       `json:"version"`
	OpenCV         string                       `json:"opencv"`
	SettingsSHA256 string                       `json:"settings_sha256"`
	Inputs         map[string]map[string]string `json:"inputs_sha256"`               // by view and photo
	Origins        map[string]string            `json:"origins_sha256"`              // by view: all that the series depends on, as provenance.json lists it
	Provenance     string                       `json:"provenance_sha256,omitempty"` // of provenance.json, which names result.json and the pictures
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

// newRecord is the record of a run without its persons.
func newRecord(b *batch) runRecord {
	return runRecord{
		Format: 1, Version: b.opts.Version, OpenCV: cv.Version(), Study: b.study.Name, Clinic: b.study.Clinic.Name,
		SettingsSHA256: b.settingsHash, Settings: b.settings, SDC: shippedSDC.Name,
	}
}

// recordFile is a run.json that is being written, one person after the other.
type recordFile struct {
	stream *jsonStream
	counts counts
	tables map[string]string // hashes, by name; to be set before it is closed
}

func createRecord(name string, head runRecord) (*recordFile, error) {
	data, err := json.MarshalIndent(head, "", " ")
	if err != nil {
		return nil, err
	}
	stream, err := createStream(name, strings.TrimSuffix(string(data), "\n}")+",\n \"subjects\": [", " ")
	return &recordFile{stream: stream, counts: counts{Verdicts: map[result.Verdict]int{}}}, err
}

// add records a person whose results are in the folder dir.
func (r *recordFile) add(s result.Subject, dir string) error {
	rec := subjectRecord{ID: s.ID, Version: s.Version, OpenCV: s.OpenCV, SettingsSHA256: s.Settings,
		Inputs: map[string]map[string]string{}, Origins: map[string]string{}}
	var err error
	if rec.Provenance, err = files.Hash(filepath.Join(dir, provenanceFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for view, s := range loadProvenance(dir).Series {
		rec.Origins[view] = s.Key
	}
	c := &r.counts
	c.Subjects++
	for _, v := range s.Series {
		rec.Inputs[v.View] = v.InputSHA256
		c.Series++
		c.Measurements += len(v.Measurements)
		c.Trends += len(v.Trends)
		for _, o := range v.Objects {
			if o.Reason == "" { // nobody rejected it
				c.Objects++
			}
		}
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
	return r.stream.add("", rec)
}

func (r *recordFile) close() error {
	counts, err1 := json.MarshalIndent(r.counts, " ", " ")
	tables, err2 := json.MarshalIndent(r.tables, " ", " ")
	return errors.Join(err1, err2, r.stream.close("],\n \"counts\": "+string(counts)+",\n \"tables_sha256\": "+string(tables)+"\n}\n"))
}

// earlierRun is what is remembered of the run that wrote an output folder.
type earlierRun struct {
	runRecord
	persons []string // their names, in order
}

// ids lists the persons in order.
func (r earlierRun) ids() []string { return r.persons }

// clinic is the one that the index names; records once did not have it, and then it
// is that of a person.
func (r earlierRun) clinic(s result.Subject) string { return cmp.Or(r.Clinic, s.Clinic) }

// loadRun reads run.json of an output folder. The persons are read one after the
// other, and only their names are kept.
func loadRun(out string) (earlierRun, error) {
	name := filepath.Join(out, runFile)
	f, err := os.Open(name)
	if err != nil {
		return earlierRun{}, err
	}
	defer f.Close()
	r, err := readRun(json.NewDecoder(bufio.NewReader(f)))
	if err != nil || r.Format == 0 {
		return earlierRun{}, fmt.Errorf("%s is not a record of dermatrend", name)
	}
	if r.Format > 1 {
		return earlierRun{}, fmt.Errorf("%s was written by a newer dermatrend (%s)", name, r.Version)
	}
	slices.Sort(r.persons)
	for i, id := range r.persons {
		if !filepath.IsLocal(id) || id != filepath.Base(id) || strings.HasPrefix(id, ".") || i > 0 && id == r.persons[i-1] {
			return earlierRun{}, fmt.Errorf("%s is not a record of dermatrend: %q is no folder, or is named twice", name, id)
		}
	}
	return r, nil
}

func readRun(d *json.Decoder) (r earlierRun, err error) {
	if _, err := d.Token(); err != nil {
		return r, err
	}
	head := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return r, err
		}
		name, ok := key.(string)
		if !ok {
			return r, errors.New("not an object")
		}
		if name != "subjects" {
			var v json.RawMessage
			if err := d.Decode(&v); err != nil {
				return r, err
			}
			head[name] = v
			continue
		}
		if _, err := d.Token(); err != nil {
			return r, err
		}
		for d.More() {
			var s struct {
				ID string `json:"id"`
			}
			if err := d.Decode(&s); err != nil {
				return r, err
			}
			r.persons = append(r.persons, s.ID)
		}
		if _, err := d.Token(); err != nil {
			return r, err
		}
	}
	data, err := json.Marshal(head)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(data, &r.runRecord)
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
