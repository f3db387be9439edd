package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"
)

// Batch is what is submitted together and collected together.
type Batch struct {
	ID      string
	Program string // the only one that may work on it
	Header  []byte // the caller's; holds nothing about an owner
	Domain  string // in which a name of an owner means one person: the study
}

// Owner is a person whose data are in a batch. Everything of an owner can be erased.
type Owner struct {
	Name     string
	Position int    // among the owners of the batch
	Data     []byte // the caller's
	Objects  []Object
	Tasks    []Task
}

// Object is content that tasks of the owner fetch.
type Object struct {
	Hash string // SHA-256 of the content, hexadecimal
	Open func() (io.ReadCloser, error)
}

// Task is one unit of work.
type Task struct {
	Number  int // unique in the batch; results come in this order
	Payload []byte
	// Limit is how long one attempt may take. If a machine dies or freezes, the task
	// waits for about as long before another one is given it.
	Limit time.Duration
}

// maxAttempts is how often a task is given out when machines die under it or the
// work fails for a reason of its own. Waiting for store or database does not count.
const maxAttempts = 10

// args are what River knows of a task: nothing about persons.
type args struct {
	Batch   string `json:"batch"`
	Number  int    `json:"number"`
	Seconds int    `json:"seconds"` // limit
}

// Kind is part of the format of the database: a client discards stuck jobs of kinds
// that it does not know.
func (args) Kind() string { return "task" }

// queue is where the jobs of a program wait. Each program has its own, so that no
// other can take them.
func queue(program string) string {
	sum := sha256.Sum256([]byte(program))
	return "p" + hex.EncodeToString(sum[:12])
}

// Submission is a batch that is being submitted.
type Submission struct {
	c     *Cluster
	batch Batch
}

// Submit begins a batch, or goes on with one that was cut off. It wraps ErrRefused if
// there is another batch of that name.
func (c *Cluster) Submit(ctx context.Context, b Batch) (*Submission, error) {
	_, err := c.pool.Exec(ctx, `insert into dermatrend.batch (id, program, queue, header, domain) values ($1, $2, $3, $4, $5) on conflict do nothing`,
		b.ID, b.Program, queue(b.Program), b.Header, b.Domain)
	if err != nil {
		return nil, err
	}
	old, err := c.Batch(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	if old.Program != b.Program || old.Domain != b.Domain || !bytes.Equal(old.Header, b.Header) {
		return nil, refusef("the batch %s was submitted with other settings or by another version: choose another name with --batch", b.ID)
	}
	return &Submission{c, b}, nil
}

// Add uploads the objects of an owner that the store does not have, and queues the
// tasks: all of them or none. An owner that was added before is left as it is; if it
// was added with something else, the error wraps ErrRefused.
//
// Add may be called by several goroutines.
func (s *Submission) Add(ctx context.Context, o Owner) error {
	conn, err := s.c.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	// Nobody erases while we rely on what is in the store.
	if _, err := conn.Exec(ctx, `select pg_advisory_lock_shared($1)`, lockErase); err != nil {
		return err
	}
	defer conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock_shared($1)`, lockErase)
	tasks := sumOf(o.Tasks)
	// What is uploaded must be known before it is there, or it could not be erased.
	there := false
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `insert into dermatrend.owner (batch, name, position) values ($1, $2, $3) on conflict do nothing`,
			s.batch.ID, o.Name, o.Position); err != nil {
			return err
		}
		if there, err = s.added(ctx, tx, o, tasks); err != nil || there {
			return err
		}
		_, err := tx.Exec(ctx, `insert into dermatrend.object select $1, $2, unnest($3::text[]) on conflict do nothing`,
			s.batch.ID, o.Name, hashes(o.Objects))
		return err
	})
	if err != nil || there {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, object := range o.Objects {
		g.Go(func() error { return s.c.store.put(gctx, objects, object.Hash, object.Open) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if there, err := s.added(ctx, tx, o, tasks); err != nil || there {
			return err
		}
		return s.queue(ctx, tx, o, tasks)
	})
}

// added tells whether all of an owner is there; it locks the owner.
func (s *Submission) added(ctx context.Context, tx pgx.Tx, o Owner, tasks []byte) (bool, error) {
	var data, sum []byte
	err := tx.QueryRow(ctx, `select data, tasks from dermatrend.owner where batch = $1 and name = $2 for update`, s.batch.ID, o.Name).Scan(&data, &sum)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, refusef("%s was erased meanwhile", o.Name)
	case err != nil || sum == nil:
		return false, err
	case !bytes.Equal(data, o.Data) || !bytes.Equal(sum, tasks):
		return false, refusef("%s changed since the batch %s was submitted: choose another name with --batch", o.Name, s.batch.ID)
	}
	return true, nil
}

func (s *Submission) queue(ctx context.Context, tx pgx.Tx, o Owner, tasks []byte) error {
	if len(o.Tasks) > 0 {
		var params []river.InsertManyParams
		var payloads [][]byte
		var numbers, ids []int64
		for _, t := range o.Tasks {
			params = append(params, river.InsertManyParams{
				Args:       args{s.batch.ID, t.Number, int(t.Limit.Seconds())},
				InsertOpts: &river.InsertOpts{Queue: queue(s.batch.Program), MaxAttempts: maxAttempts},
			})
			payloads, numbers = append(payloads, t.Payload), append(numbers, int64(t.Number))
		}
		jobs, err := s.c.river.InsertManyTx(ctx, tx, params)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			ids = append(ids, j.Job.ID)
		}
		if _, err := tx.Exec(ctx, `insert into dermatrend.task (batch, owner, number, payload, job)
			select $1, $2, t.* from unnest($3::bigint[], $4::bytea[], $5::bigint[]) t`, s.batch.ID, o.Name, numbers, payloads, ids); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `update dermatrend.owner set data = $3, tasks = $4 where batch = $1 and name = $2`, s.batch.ID, o.Name, o.Data, tasks)
	return err
}

// Finish says that the batch is complete, and tells how many tasks it has.
func (s *Submission) Finish(ctx context.Context) (tasks int, err error) {
	if _, err := s.c.pool.Exec(ctx, `update dermatrend.batch set complete = true where id = $1`, s.batch.ID); err != nil {
		return 0, err
	}
	err = s.c.pool.QueryRow(ctx, `select count(*) from dermatrend.task where batch = $1`, s.batch.ID).Scan(&tasks)
	return tasks, err
}

func hashes(all []Object) []string {
	h := []string{}
	for _, o := range all {
		h = append(h, o.Hash)
	}
	return h
}

// sumOf is the SHA-256 of tasks.
func sumOf(all []Task) []byte {
	h := sha256.New()
	for _, t := range all {
		for _, n := range []int{t.Number, len(t.Payload)} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
		}
		h.Write(t.Payload)
	}
	return h.Sum(nil)
}
