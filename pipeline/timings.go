package pipeline

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// seriesTiming is what timings.json holds by subject and view: the one file that may
// differ between two runs. A series that was not measured keeps the times of the run
// that measured it; one that was only judged has none.
type seriesTiming struct {
	PeakRSSMiB result.Number `json:"peak_rss_mib"` // of the worker up to the end of the series
	Stages     []stageTiming `json:"stages"`
}

type stageTiming struct {
	Session string        `json:"session,omitempty"` // empty for a stage of the whole series
	Stage   string        `json:"stage"`
	Seconds result.Number `json:"seconds"`
}

// timingOf takes the times out of a series, which then is the same in every run.
func timingOf(v *result.Series) seriesTiming {
	times := seriesTiming{PeakRSSMiB: v.PeakRSSMiB, Stages: []stageTiming{}}
	for _, s := range v.Timings {
		times.Stages = append(times.Stages, stageTiming(s))
	}
	v.PeakRSSMiB, v.Timings = result.None(), nil
	return times
}

// timingsWriter is a timings.json that is being written, one person after the other.
type timingsWriter struct{ stream *jsonStream }

func createTimings(name string) (timingsWriter, error) {
	stream, err := createStream(name, "{", "")
	return timingsWriter{stream}, err
}

// add writes the times of a person; nil where none are known.
func (t timingsWriter) add(id string, times map[string]seriesTiming) error {
	if times == nil {
		return nil
	}
	return t.stream.add(id, times)
}

func (t timingsWriter) close() error { return t.stream.close("}\n") }

// timingsReader reads the times of an earlier run in the order of the persons. That
// they cannot be read is no reason to lose the new results: then they are gone.
type timingsReader struct {
	file *os.File
	json *json.Decoder
	id   string // read, and not asked for yet
	next map[string]seriesTiming
}

func openTimings(out string) *timingsReader {
	t := &timingsReader{}
	f, err := os.Open(filepath.Join(out, timingsFile))
	if err != nil {
		return t
	}
	t.file, t.json = f, json.NewDecoder(bufio.NewReader(f))
	if _, err := t.json.Token(); err != nil {
		t.json = nil
	}
	return t
}

// of gives the times of a person; nil where there are none. Persons are asked for in
// order.
func (t *timingsReader) of(id string) map[string]seriesTiming {
	for t.json != nil && t.id < id {
		if !t.read() {
			t.json, t.id, t.next = nil, "", nil
		}
	}
	if t.id != id {
		return nil
	}
	return t.next
}

func (t *timingsReader) read() bool {
	if !t.json.More() {
		return false
	}
	key, err := t.json.Token()
	if err != nil {
		return false
	}
	id, ok := key.(string)
	t.id, t.next = id, nil
	return ok && t.json.Decode(&t.next) == nil
}

func (t *timingsReader) close() {
	if t.file != nil {
		t.file.Close()
	}
}
