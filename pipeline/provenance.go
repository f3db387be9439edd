package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// provenanceFile is the file in a person's folder that says what the results were
// made from.
const provenanceFile = "provenance.json"

// origin is all that the results of a series depend on. Equal origins give equal
// results, byte for byte.
//
// The program is named by the hash of its file, not by its version: two builds of
// one version differ when someone changes a line, and results that another program
// made must never pass for those of this one. The price is that a new build measures
// everything again.
type origin struct {
	Kind     string            `json:"kind"`
	Version  string            `json:"version"`
	Program  string            `json:"program_sha256"`
	OpenCV   string            `json:"opencv"`
	Settings string            `json:"settings_sha256"`           // with the face model and the table of smallest detectable changes
	Measured string            `json:"measuring_settings_sha256"` // without what only verdicts depend on
	Manifest string            `json:"manifest_sha256"`           // what the manifest says of this series
	Photos   map[string]string `json:"photos_sha256"`             // by file; empty for one that was refused unread
}

// key is the name of the results: the SHA-256 of the origin.
func (o origin) key() string {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings always encode
	}
	return hash(data)
}

// measured is the origin of all but the verdicts.
func (o origin) measured() origin {
	o.Settings = ""
	return o
}

// seal is put on the results of a series when they are complete.
type seal struct {
	Key    string            `json:"key"`
	Origin origin            `json:"origin"`
	Files  map[string]string `json:"files_sha256"` // pictures, by path relative to the person's folder
}

// provenance is provenance.json.
type provenance struct {
	Results string          `json:"results_sha256"` // of result.json
	Series  map[string]seal `json:"series"`         // by view; one that cannot be taken again is missing
}

// loadProvenance reads that of a person's folder. One that is missing or cannot be
// read is empty: then the person is measured again.
func loadProvenance(dir string) provenance {
	var p provenance
	data, err := os.ReadFile(filepath.Join(dir, provenanceFile))
	if err != nil || json.Unmarshal(data, &p) != nil {
		return provenance{}
	}
	return p
}

// only is a series without what no stage looks at: other views, consent, history,
// covariates. Workers are given this and nothing else, which is why the key of a
// series can leave the rest out.
func only(s study.Series) study.Series {
	subject := *s.Subject
	subject.Manifest, subject.Born, subject.Consent, subject.RetainUntil = "", 0, nil, study.Date{}
	subject.History, subject.Covariates, subject.LeftOut = nil, nil, nil
	subject.ReferenceSkin = of(subject.ReferenceSkin, s.View)
	subject.Zones = of(subject.Zones, s.View)
	subject.Sessions = nil
	for _, v := range s.Sessions {
		session := *v.Session
		session.Photos = v.Photos
		subject.Sessions = append(subject.Sessions, session)
	}
	s.Subject, s.Sessions = &subject, slices.Clone(s.Sessions)
	for i := range s.Sessions {
		s.Sessions[i].Session = &subject.Sessions[i]
	}
	return s
}

// of keeps the entry of a view, and nil where there is none.
func of[T any](m map[string]T, view string) map[string]T {
	v, ok := m[view]
	if !ok {
		return nil
	}
	return map[string]T{view: v}
}

// origin says what the results of a series will depend on. Photos whose hash is
// known are not read. The error is about a photo that cannot be read.
func (b *batch) origin(s study.Series, known map[string]string) (origin, error) {
	program, err := programHash()
	if err != nil {
		return origin{}, err
	}
	o := origin{Kind: kindRun, Version: b.opts.Version, Program: program, OpenCV: cv.Version(), Settings: b.settingsHash, Measured: b.measuringHash, Photos: map[string]string{}}
	s = only(s)
	dir := s.Subject.Dir
	s.Subject.Dir = "" // where the photos lie is nobody's business
	data, err := json.Marshal(s)
	if err != nil {
		return origin{}, err
	}
	o.Manifest = hash(data)
	for _, v := range s.Sessions {
		for _, p := range v.Photos {
			sum, ok := known[p.File]
			if !ok && p.Refused == "" {
				if sum, err = files.Hash(filepath.Join(dir, filepath.FromSlash(p.File))); err != nil {
					return origin{}, err
				}
			}
			o.Photos[p.File] = sum
		}
	}
	return o, nil
}

// programHash is the SHA-256 of the running program, also when its file has been
// replaced meanwhile.
var programHash = sync.OnceValues(func() (string, error) { return files.Hash("/proc/self/exe") })

// hashFiles lists the files below a folder with their hashes, by path with slashes;
// those that are not a person's own results are an error.
func hashFiles(dir string) (map[string]string, error) {
	seal := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if !isOwn(rel) || !e.Type().IsRegular() {
			return fmt.Errorf("%s does not belong into a person's results", rel)
		}
		sum, err := files.Hash(name)
		seal[filepath.ToSlash(rel)] = sum
		return err
	})
	return seal, err
}

// verify tells whether the files of a seal are as they were sealed.
func verify(dir string, seal map[string]string) error {
	for _, rel := range slices.Sorted(maps.Keys(seal)) {
		local := filepath.FromSlash(rel)
		if !filepath.IsLocal(local) {
			return fmt.Errorf("%q leaves its folder", rel)
		}
		sum, err := files.Hash(filepath.Join(dir, local))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s is missing", rel)
		case err != nil:
			return err
		case sum != seal[rel]:
			return fmt.Errorf("%s was changed", rel)
		}
	}
	return nil
}

// differs says in words why results of another origin cannot be taken.
func (o origin) differs(old origin) string {
	var why []string
	switch {
	case old.Version != o.Version:
		why = append(why, "measured by version "+old.Version)
	case old.Program != o.Program:
		why = append(why, "measured by another build of this version")
	}
	if old.OpenCV != o.OpenCV {
		why = append(why, "measured with OpenCV "+old.OpenCV)
	}
	if old.Settings != o.Settings {
		why = append(why, "other settings")
	}
	var fresh, changed, gone []string
	for _, file := range slices.Sorted(maps.Keys(o.Photos)) {
		switch sum, ok := old.Photos[file]; {
		case !ok:
			fresh = append(fresh, file)
		case sum != o.Photos[file]:
			changed = append(changed, file)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(old.Photos)) {
		if _, ok := o.Photos[file]; !ok {
			gone = append(gone, file)
		}
	}
	for _, l := range []struct {
		what  string
		files []string
	}{{"new", fresh}, {"changed", changed}, {"gone", gone}} {
		if len(l.files) > 0 {
			why = append(why, l.what+": "+strings.Join(l.files, " "))
		}
	}
	// New photos are named by the manifest, which then differs anyway.
	if old.Manifest != o.Manifest && len(fresh)+len(gone) == 0 {
		why = append(why, "the manifest or an edit says otherwise of it")
	}
	return strings.Join(why, "; ")
}

// withoutLeftOut takes out what person adds to the series of a person: photos that
// belong to no session.
func withoutLeftOut(v result.Series) result.Series {
	v.Rejections = slices.DeleteFunc(slices.Clone(v.Rejections), func(r result.Rejection) bool { return r.Stage == leftOutStage })
	if len(v.Rejections) == 0 {
		v.Rejections = nil
	}
	return v
}
