// Package engine is where work runs. It is handed a function and knows nothing
// of photos: tasks and results are bytes.
//
// # Why processes
//
// An OpenCV exception ends the process, and nothing in Go can stop it. So the
// coordinator never calls OpenCV; it starts worker processes of the same program
// that live as long as there is work, and hands each one task at a time. A worker
// that aborts, exits, hangs or is killed costs its task only. Starting a worker
// takes about 0.1 s, so they are kept.
//
// # Protocol
//
// Frames, a byte for the kind and four bytes for the length, then the payload.
// Tasks go to the worker's standard input. Answers come on its file descriptor
// 3, because C libraries print on standard output when they please; standard
// output and standard error of a worker are its log.
//
// # A task that kills its worker
//
// It is tried once more when all others are done, alone in a fresh worker, since
// the reason may have been the memory that its neighbours took. If that fails
// too, its result is a [Lost] with the reason. The same holds for a task that goes
// beyond its limit of time or memory: then the reason names the limit.
//
// # Ends
//
// When the context of [Pool.Run] ends, workers are killed and waited for: after
// Run has returned, nothing writes any more. A worker dies with its coordinator,
// also when that is killed: by the parent-death signal, and when its input ends.
package engine

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Handler does one task in a worker and returns its result. It calls progress
// whenever it begins something, with what it works on and at which stage; the
// last such words explain a crash. The error of a handler is an answer like any
// other: the task is not tried again.
type Handler func(task []byte, progress func(item, stage string)) ([]byte, error)

// Event is progress of one task.
type Event struct {
	Task        int // index
	Item, Stage string
	Lost        string // why the worker died; empty while it lives. The task will be tried again
}

// Lost is the error of a task whose worker died or hung, twice.
type Lost struct {
	Reason      string // what became of the worker
	Item, Stage string // the last that it said; empty if nothing
}

func (e *Lost) Error() string {
	if e.Stage == "" {
		return e.Reason
	}
	if e.Item == "" {
		return fmt.Sprintf("%s in stage %s", e.Reason, e.Stage)
	}
	return fmt.Sprintf("%s in stage %s of %s", e.Reason, e.Stage, e.Item)
}

// Kinds of frames.
const (
	frameReady    = 'H' // worker: started
	frameTask     = 'T' // coordinator: payload is the task
	frameProgress = 'P' // worker: payload is a JSON array of item and stage
	frameResult   = 'R' // worker: payload is the result
	frameError    = 'E' // worker: payload is the text of the handler's error
)

// maxFrame bounds what a broken peer can make us allocate.
const maxFrame = 1 << 30

func writeFrame(w io.Writer, kind byte, payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("engine: message of %d bytes is too large", len(payload))
	}
	head := make([]byte, 5, 5+len(payload))
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	_, err := w.Write(append(head, payload...))
	return err
}

func readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("engine: frame of %d bytes", n)
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return head[0], payload, nil
}

func encodeProgress(item, stage string) []byte {
	b, err := json.Marshal([2]string{item, stage})
	if err != nil {
		panic(err) // strings always encode
	}
	return b
}

func decodeProgress(b []byte) (item, stage string, err error) {
	var p [2]string
	if err := json.Unmarshal(b, &p); err != nil {
		return "", "", errors.New("engine: malformed progress")
	}
	return p[0], p[1], nil
}
