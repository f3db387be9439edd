package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type clusterCommands struct {
	Submit  submitCommand        `cmd:"" help:"Give a study to a cluster to be measured."`
	Worker  clusterWorkerCommand `cmd:"" help:"Measure on this machine what was submitted to a cluster."`
	Status  statusCommand        `cmd:"" help:"What a cluster has done, and what failed."`
	Retry   retryCommand         `cmd:"" help:"Measure once more the series of a batch that a cluster has given up."`
	Collect collectCommand       `cmd:"" help:"Write the results of a cluster to a folder, as run would have."`
}

// inCluster are the flags of the commands that reach a database and a store. Both can
// come from the environment, where other users of the machine do not see passwords.
type inCluster struct {
	DB       string `name:"db" env:"DERMATREND_DB" help:"PostgreSQL of the cluster: postgres://user@host/name?sslmode=verify-full. The password is rather given in PGPASSWORD or ~/.pgpass." placeholder:"URL"`
	Store    string `env:"DERMATREND_STORE" help:"Object store of the cluster: s3://bucket?region=..., with credentials as AWS's tools take them, or file:///folder, which all machines share." placeholder:"URL"`
	Insecure bool   `help:"Reach other machines without TLS."`
}

func (c inCluster) options(log *slog.Logger) (pipeline.ClusterOptions, error) {
	if c.DB == "" || c.Store == "" {
		return pipeline.ClusterOptions{}, inputError{errors.New("--db and --store are needed, or DERMATREND_DB and DERMATREND_STORE in the environment")}
	}
	return pipeline.ClusterOptions{DB: c.DB, Store: c.Store, Insecure: c.Insecure, Log: log}, nil
}

type submitCommand struct {
	Study     string   `arg:"" help:"Folder of the study."`
	Subject   []string `help:"Only this person. May be repeated." placeholder:"ID" sep:"none"`
	FaceModel string   `help:"See dermatrend run." type:"existingfile" placeholder:"FILE"`
	SDC       string   `name:"sdc" help:"See dermatrend run." type:"existingfile" placeholder:"FILE"`
	Batch     string   `help:"Name of the batch; without it, one that follows from the study." placeholder:"NAME"`
	Quiet     bool     `short:"q" help:"Print the name of the batch only."`
	inCluster
}

func (c submitCommand) Run(in *invocation) error {
	st, err := loadStudy(in, c.Study, c.Subject)
	if err != nil {
		return err
	}
	where, err := c.options(nil)
	if err != nil {
		return err
	}
	opts := pipeline.SubmitOptions{Config: pipeline.DefaultConfig(), Subjects: c.Subject, Version: version, Batch: c.Batch}
	opts.Config.FaceModel, opts.Config.SDC = c.FaceModel, c.SDC
	if !c.Quiet {
		opts.Progress = tellPersons(in.stderr)
	}
	s, err := pipeline.Submit(in.ctx, st, where, opts)
	if err != nil {
		return err
	}
	if c.Quiet {
		_, err = fmt.Fprintln(in.stdout, s.Batch)
		return err
	}
	_, err = fmt.Fprintf(in.stdout, "batch %s: %s of %s\n", s.Batch, count(s.Series, "series"), count(s.Photos, "photo"))
	return err
}

// tellPersons prints a line at most every ten seconds, and the last.
func tellPersons(w io.Writer) func(done, total int) {
	var told time.Time
	return func(done, total int) {
		if done == total || time.Since(told) > 10*time.Second {
			told = time.Now()
			fmt.Fprintf(w, "dermatrend: %d of %d\n", done, total)
		}
	}
}

type clusterWorkerCommand struct {
	Jobs    int           `help:"Series at a time, about 1 GiB each; without it, as many as cores and free memory allow." placeholder:"N"`
	Temp    string        `help:"Folder for photos while they are measured; without it, the system's." type:"existingdir" placeholder:"DIR"`
	Grace   time.Duration `help:"How long series that have begun may go on when the worker is told to end; then others get them." default:"20s"`
	Drain   bool          `help:"End when there is nothing left to do."`
	Verbose bool          `short:"v" help:"Tell each series, and what the worker processes print, which may name photos."`
	taskLimits
	inCluster
}

// Validate is called by kong.
func (c clusterWorkerCommand) Validate() error {
	return errors.Join(workers{Jobs: c.Jobs}.Validate(), c.taskLimits.Validate())
}

func (c clusterWorkerCommand) Run(in *invocation) error {
	// This process only passes work on.
	debug.SetMemoryLimit(workerMemory / 2)
	opts := pipeline.WorkerOptions{Version: version, Worker: startWorker, Jobs: c.Jobs, Temp: c.Temp, Grace: c.Grace, Drain: c.Drain,
		TaskTime: c.TaskTime, TaskMemory: c.memory()}
	level := slog.LevelWarn
	if c.Verbose {
		level, opts.Log = slog.LevelInfo, in.stderr
	}
	where, err := c.options(slog.New(slog.NewJSONHandler(in.stderr, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	return pipeline.WorkForCluster(in.ctx, where, opts)
}

type statusCommand struct {
	Batch string `arg:"" optional:"" help:"Tell also which of its series failed, and why."`
	inCluster
}

func (c statusCommand) Run(in *invocation) error {
	where, err := c.options(nil)
	if err != nil {
		return err
	}
	all, failures, err := pipeline.ClusterStatus(in.ctx, where, c.Batch)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(in.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BATCH\tSUBMITTED\tSERIES\tDONE\tRUNNING\tWAITING\tAGAIN\tGIVEN UP\tPROGRAM")
	for _, s := range all {
		when := s.Created.UTC().Format(time.DateTime)
		if !s.Complete {
			when = "cut off"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", s.Batch, when, s.Tasks, s.Done, s.Running, s.Waiting, s.Again, s.Dead, s.Program)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range failures {
		what := "will be tried again"
		if f.Dead {
			what = "given up"
		}
		where := strings.TrimSpace(f.Stage + " " + f.Item)
		fmt.Fprintf(in.stdout, "series %d of %s: %s after %s: %s", f.Number, f.Owner, what, count(f.Attempts, "attempt"), f.Reason)
		if where != "" {
			fmt.Fprintf(in.stdout, " (%s)", where)
		}
		fmt.Fprintln(in.stdout)
	}
	return nil
}

type retryCommand struct {
	Batch string `arg:"" help:"The batch."`
	inCluster
}

func (c retryCommand) Run(in *invocation) error {
	where, err := c.options(nil)
	if err != nil {
		return err
	}
	n, err := pipeline.RetryInCluster(in.ctx, where, c.Batch)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(in.stdout, "%s queued again\n", count(n, "series"))
	return err
}

type collectCommand struct {
	Out   string `arg:"" help:"Folder for tables and reports."`
	Batch string `help:"The batch; not needed where there is one only." placeholder:"NAME"`
	Wait  bool   `help:"Wait until all series are measured or given up."`
	Quiet bool   `short:"q" help:"Print errors only."`
	inCluster
}

func (c collectCommand) Run(in *invocation) error {
	where, err := c.options(nil)
	if err != nil {
		return err
	}
	debug.SetGCPercent(coordinatorGC)
	opts := pipeline.CollectOptions{Batch: c.Batch, Version: version, Wait: c.Wait}
	if !c.Quiet {
		opts.Progress = tellPersons(in.stderr)
	}
	sum, err := pipeline.Collect(in.ctx, c.Out, where, opts)
	if err != nil {
		return err
	}
	if !c.Quiet {
		printSummary(in.stdout, c.Out, sum)
	}
	if len(sum.Rejections) > 0 {
		return errPartial
	}
	return nil
}

// erase removes a person of a study.
func (c inCluster) erase(in *invocation, st *study.Study, subject string) error {
	where, err := c.options(nil)
	if err != nil {
		return err
	}
	e, err := pipeline.EraseFromCluster(in.ctx, where, st, subject)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	fmt.Fprintf(in.stdout, "cluster: %s and %s of the store deleted; not out of backups of the database and versions that the store keeps\n", count(e.Tasks, "series"), count(e.Objects, "object"))
	for _, other := range e.Elsewhere {
		fmt.Fprintf(in.stdout, "cluster: the study %s has a %s, too, who was left alone\n", other, subject)
	}
	return nil
}
