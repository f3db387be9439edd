// Command dermatrend turns sessions of facial photos of one person into
// measurements with errors. This package is flags, exit codes and words; what
// happens to a photo is in the package pipeline.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Exit codes. Not 2: Go ends a panic, and an abort of OpenCV, with that.
const (
	exitDone        = 0
	exitFailed      = 1
	exitPartial     = 3   // done, but something was left out and listed: photos without values, persons without consent
	exitUsage       = 4   // wrong command line or input
	exitInterrupted = 130 // as a shell says it of Ctrl-C
)

// errPartial ends a command that is done and left something out; it was said
// already.
var errPartial = errors.New("something was left out")

// inputError is an error in what the user gave.
type inputError struct{ error }

func main() {
	// What is written is about patients, also the files that libraries make.
	syscall.Umask(0o077)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the command line. Each command is a struct with its flags and a
// method Run, in a file of its name.
type commands struct {
	Run      runCommand      `cmd:"" help:"Measure a study: align, segment, measure, trends, reports."`
	Check    checkCommand    `cmd:"" help:"Look at manifests, consent, photo quality and comparability; measure nothing."`
	Init     initCommand     `cmd:"" help:"Write series.yaml from EXIF dates and file names."`
	Align    alignCommand    `cmd:"" help:"Carry points of the baseline photos into the photos of every session."`
	Report   reportCommand   `cmd:"" help:"Render the reports of an output folder again; with --for, hand out reports to patients and others."`
	Card     cardCommand     `cmd:"" help:"Print capture sheets: scale marker, the person's code, and a place for the colour chart (PDF, true size)."`
	Marker   markerCommand   `cmd:"" help:"Print a scale marker to hold beside the face (PDF, true size)."`
	Metrics  metricsCommand  `cmd:"" help:"Print the catalogue: name, unit, meaning, source."`
	Phantom  phantomCommand  `cmd:"" help:"Render a synthetic study with its ground truth."`
	Validate validateCommand `cmd:"" help:"Measure rendered faces whose truth is known: accuracy, false verdicts, smallest detectable changes."`
	Cohort   cohortCommand   `cmd:"" help:"Statistics over the persons of an output folder: tables, figures and a report."`
	Consent  consentCommand  `cmd:"" help:"Who is covered for what; record a withdrawal."`
	Ledger   ledgerCommand   `cmd:"" help:"The record of exports and withdrawals in the study's folder."`
	Erase    eraseCommand    `cmd:"" help:"Remove a person from results and exports."`
	Export   exportCommand   `cmd:"" help:"Write de-identified tables for research: CSV, Parquet, FHIR, REDCap, with a codebook."`
	Blind    blindCommand    `cmd:"" help:"Make a pack of photo pairs for blinded readers, and its key."`
	Unblind  unblindCommand  `cmd:"" help:"Read the scoring sheets of a pack: agreement of readers, shams, agreement of the metrics."`
	Serve    serveCommand    `cmd:"" help:"Look at results in the browser of this machine, and correct zones, objects and alignments."`
	Verify   verifyCommand   `cmd:"" help:"Prove tables, reports and pictures from results and record; with the study, its photos, and by measuring again."`
	Compare  compareCommand  `cmd:"" help:"Explain how the results of two versions or settings differ: values, verdicts, photos, objects."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
	Worker   workerCommand   `cmd:"" name:"worker-local" hidden:""`
	clusterCommands
}

// invocation is what a command has to work with.
type invocation struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
}

const description = `Quantifies series of facial photographs for review by a clinician.
It makes no diagnosis and does not assess moles or skin cancer. It opens no network connection but to the database and store that a command is given.

Exit codes: 0 all done; 1 failed; 3 done, but something was left out and listed (photos or
series without values, persons without consent); 4 usage or invalid input; 130 interrupted.`

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	parser, err := newParser(new(commands), stdout, stderr)
	if err != nil {
		panic(err) // the structs above are wrong
	}
	// kong prints help in the middle of parsing and then wants to exit.
	defer func() {
		switch r := recover().(type) {
		case nil:
		case helped:
			code = int(r)
		default:
			panic(r)
		}
	}()
	if len(args) == 1 && args[0] == "--version" { // as it is called elsewhere
		args = []string{"version"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "dermatrend: %v; see dermatrend --help\n", err)
		return exitUsage
	}
	return exitCode(ctx, parsed.Run(&invocation{ctx, stdout, stderr}), stderr)
}

// newParser reads command lines into c.
func newParser(c *commands, stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(c, kong.Name("dermatrend"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Vars{"languages": strings.Join(pipeline.ReportLanguages(), ", "), "courses": courses(), "scales": strings.Join(pipeline.ScaleNames(), ","), "scopes": strings.Join(consent.Scopes, ", ")}, kong.Exit(func(code int) { panic(helped(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
}

type helped int

// exitCode prints an error and says what it means to the caller.
func exitCode(ctx context.Context, err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errPartial):
		return exitPartial
	case ctx.Err() != nil:
		kept := ""
		if u := (*pipeline.Unfinished)(nil); errors.As(err, &u) && u.Finished > 0 {
			kept = fmt.Sprintf("; %d finished series are kept, the next run goes on from there", u.Finished)
		}
		fmt.Fprintf(stderr, "dermatrend: interrupted; nothing was changed%s\n", kept)
		return exitInterrupted
	}
	code := exitFailed
	if problems, input := (study.Problems)(nil), (inputError{}); errors.As(err, &problems) || errors.As(err, &input) || errors.Is(err, pipeline.ErrUsage) || errors.Is(err, consent.ErrUnknownSubject) {
		code = exitUsage
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(stderr, "dermatrend: %s\n", strings.TrimSuffix(line, "\n"))
	}
	return code
}
