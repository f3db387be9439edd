package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dermatrend/dermatrend/pipeline/cluster"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// ClusterOptions say where the database and the store of a cluster are.
type ClusterOptions = cluster.Options

// SubmitOptions say what is submitted.
type SubmitOptions struct {
	Config   Config
	Subjects []string // only these persons; collecting keeps the results of the others. Nil for all
	Version  string   // of the tool
	// Batch is the name; empty for one that follows from study, settings and program,
	// so that a submission that was cut off is continued by repeating it.
	Batch    string
	Progress func(done, total int) // persons; called once at a time; nil for nobody
}

// Submitted is what a submission has come to.
type Submitted struct {
	Batch          string
	Series, Photos int
}

// batchHeader is what a batch knows beside its persons.
type batchHeader struct {
	Study    study.Study // without persons and what concerns one
	Settings Config      // as recorded
	Only     []string    // see RunOptions.Subjects
	Version  string
}

// batchPerson is what is needed of a person when results are collected.
type batchPerson struct {
	Subject   study.Subject     // without the place of the folder
	Notes     []study.Note      //
	Documents map[string]string // hashes of consent papers, by name
	Photos    map[string]string // SHA-256, by file
}

// batchTask is what a worker needs for a series.
type batchTask struct {
	Job    job
	Photos map[string]string // SHA-256, by file
	Model  string            // SHA-256 of the face model; empty for the built-in one
	SDC    string            // SHA-256 of the user's table; empty for none
}

// seriesLimit is how long one attempt at a series may take. A photo of 12 megapixels
// takes some four seconds.
func seriesLimit(s study.Series) time.Duration {
	limit := 5 * time.Minute
	for _, v := range s.Sessions {
		limit += time.Duration(len(v.Photos)) * time.Minute
	}
	return limit
}

// Submit uploads the photos of a study that the store does not have, and queues a
// task for each series. Nothing of it is written on this machine.
func Submit(ctx context.Context, st *study.Study, where ClusterOptions, opts SubmitOptions) (Submitted, error) {
	run := RunOptions{Config: opts.Config, Subjects: opts.Subjects, Version: opts.Version}
	run.Config = run.Config.of(st)
	if err := checkOptions(st, run); err != nil {
		return Submitted{}, err
	}
	b, err := newBatch(st, run)
	if err != nil {
		return Submitted{}, err
	}
	b.plan()
	sub, err := newSubmission(b, opts)
	if err != nil {
		return Submitted{}, err
	}
	c, err := cluster.Open(ctx, where)
	if err != nil {
		return Submitted{}, refused(err)
	}
	defer c.Close()
	return sub.send(ctx, c, opts.Progress)
}

// submission is a batch on its way.
type submission struct {
	b          *batch
	header     cluster.Batch
	settings   []cluster.Object // files that the settings name, which every worker needs
	model, sdc string           // their hashes
}

func newSubmission(b *batch, opts SubmitOptions) (*submission, error) {
	program, err := programName(opts.Version)
	if err != nil {
		return nil, err
	}
	h := batchHeader{Study: *b.study, Settings: b.settings, Only: opts.Subjects, Version: opts.Version}
	h.Study.Root, h.Study.Subjects = "", nil
	h.Study.Notes = notesOf(b.study, "")
	s := &submission{b: b, header: cluster.Batch{ID: opts.Batch, Program: program, Domain: b.study.Name}}
	if s.header.Header, err = json.Marshal(h); err != nil {
		return nil, err
	}
	if s.header.ID == "" {
		subjects, err := json.Marshal(b.subjects)
		if err != nil {
			return nil, err
		}
		s.header.ID = hash(slices.Concat([]byte(program), s.header.Header, subjects))[:12]
	}
	for _, f := range []struct {
		name string
		hash *string
	}{{b.opts.Config.FaceModel, &s.model}, {b.opts.Config.SDC, &s.sdc}} {
		if f.name != "" {
			o, err := fileObject(f.name)
			if err != nil {
				return nil, err
			}
			s.settings, *f.hash = append(s.settings, o), o.Hash
		}
	}
	return s, nil
}

// send queues the persons, some at a time since most of it is waiting.
func (s *submission) send(ctx context.Context, c *cluster.Cluster, progress func(done, total int)) (Submitted, error) {
	to, err := c.Submit(ctx, s.header)
	if err != nil {
		return Submitted{}, refused(err)
	}
	var mu sync.Mutex
	done := 0
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for k := range s.b.study.Subjects {
		p := &s.b.study.Subjects[k]
		if !s.b.chosen(p.ID) {
			continue
		}
		g.Go(func() error {
			o, err := s.owner(p, k)
			if err == nil {
				err = to.Add(gctx, o)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", p.ID, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if done++; progress != nil {
				progress(done, len(s.b.subjects))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return Submitted{}, fmt.Errorf("not all was submitted, repeat it to go on: %w", refused(err))
	}
	n, err := to.Finish(ctx)
	return Submitted{s.header.ID, n, s.b.summary.Photos}, err
}

// owner is a person with the tasks and photos.
func (s *submission) owner(p *study.Subject, position int) (cluster.Owner, error) {
	o := cluster.Owner{Name: p.ID, Position: position, Objects: slices.Clone(s.settings)}
	data := batchPerson{Subject: *p, Notes: notesOf(s.b.study, p.ID), Documents: map[string]string{}, Photos: map[string]string{}}
	data.Subject.Dir, data.Subject.Manifest = "", ""
	for _, c := range p.Consent {
		data.Documents[c.Document] = documentHash(p.Dir, c.Document)
	}
	for _, i := range s.b.results[p.ID] {
		series := only(s.b.todo[i])
		limit := seriesLimit(series)
		photos := map[string]string{}
		for n := range series.Sessions {
			v := &series.Sessions[n]
			v.Photos = slices.Clone(v.Photos)
			for k := range v.Photos {
				ref := &v.Photos[k]
				if ref.Refused != "" {
					continue
				}
				object, err := fileObject(filepath.Join(p.Dir, filepath.FromSlash(ref.File)))
				if err != nil { // which costs the photo and not the study
					ref.Refused = fmt.Sprintf("cannot be read: %v", errors.Unwrap(err))
					continue
				}
				photos[ref.File] = object.Hash
				o.Objects = append(o.Objects, object)
			}
		}
		maps.Copy(data.Photos, photos)
		series.Subject.Dir = ""
		config := s.b.opts.Config
		config.FaceModel, config.SDC = "", ""
		payload, err := json.Marshal(batchTask{job{Kind: kindRun, Config: config, Series: series}, photos, s.model, s.sdc})
		if err != nil {
			return o, err
		}
		o.Tasks = append(o.Tasks, cluster.Task{Number: i, Payload: payload, Limit: limit})
	}
	var err error
	o.Data, err = json.Marshal(data)
	return o, err
}

// fileObject names a file by its content. It is read again when it is uploaded.
func fileObject(name string) (cluster.Object, error) {
	sum, err := files.Hash(name)
	return cluster.Object{Hash: sum, Open: func() (io.ReadCloser, error) { return os.Open(name) }}, err
}

func notesOf(st *study.Study, subject string) []study.Note {
	var notes []study.Note
	for _, n := range st.Notes {
		if n.Subject == subject {
			notes = append(notes, n)
		}
	}
	return notes
}

// programName tells programs apart whose results must not be mixed, in words.
func programName(version string) (string, error) {
	sum, err := programHash()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("dermatrend %s (%s, OpenCV %s)", cmp.Or(version, "unknown"), sum[:16], cv.Version()), nil
}

// refused makes what the cluster refuses an ErrUsage.
func refused(err error) error {
	if errors.Is(err, cluster.ErrRefused) {
		return usageError{err}
	}
	return err
}
