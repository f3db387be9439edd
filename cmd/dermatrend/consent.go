package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type consentCommand struct {
	Show     consentShow     `cmd:"" default:"withargs" help:"Who is covered for what, what expires within 60 days, and what was to be kept only until now."`
	Withdraw consentWithdraw `cmd:"" help:"Record that a person withdrew a scope, list what was ever exported under it, and delete what still lies under OUT."`
}

// asOf is a day on the command line; today without one.
type asOf struct {
	AsOf string `help:"The day that consent is looked at, YYYY-MM-DD; without it, today." placeholder:"DATE"`
}

// Validate is called by kong.
func (a asOf) Validate() error {
	if _, err := time.Parse(time.DateOnly, a.AsOf); a.AsOf != "" && err != nil {
		return fmt.Errorf("--as-of %q: expected a day as YYYY-MM-DD", a.AsOf)
	}
	return nil
}

func (a asOf) day() study.Date {
	if t, err := time.Parse(time.DateOnly, a.AsOf); err == nil {
		return study.Date{Time: t}
	}
	return study.NewDate(time.Now().Date())
}

// by is who acts.
type by struct {
	By string `help:"Who does this, for the ledger; without it, the name of the user of this machine." placeholder:"NAME"`
}

func (b by) name() string {
	if b.By != "" {
		return b.By
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

type consentShow struct {
	Study string `arg:"" help:"Folder of the study."`
	asOf
}

func (c consentShow) Run(in *invocation) error {
	st, err := loadStudy(in, c.Study, nil)
	if err != nil {
		return err
	}
	register, err := consent.NewRegister(in.ctx, st)
	if err != nil {
		return err
	}
	on := c.day()
	fmt.Fprintf(in.stdout, "consent on %s\n", on)
	return printStandings(in.stdout, register.Standings(on))
}

func printStandings(out io.Writer, all []consent.Standing) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "SUBJECT\t%s\n", strings.ToUpper(strings.Join(consent.Scopes, "\t")))
	for _, s := range all {
		cells := []string{s.Subject}
		for _, scope := range consent.Scopes {
			cell := "-"
			if s.Covered[scope] {
				cell = "yes"
			}
			cells = append(cells, cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, s := range all {
		for _, scope := range consent.Scopes {
			// That a scope was never asked for is no news.
			if why := s.Why[scope]; why != "" && !strings.HasPrefix(why, "no consent") {
				fmt.Fprintf(out, "%s: %s\n", s.Subject, why)
			}
		}
		for _, e := range s.Expiring {
			fmt.Fprintf(out, "%s: expires soon: %s\n", s.Subject, e)
		}
		if s.Retain != "" {
			fmt.Fprintf(out, "%s: %s: dermatrend erase %s\n", s.Subject, s.Retain, s.Subject)
		}
	}
	return nil
}

// inStudy is the study that a command about one person acts in.
type inStudy struct {
	Study string   `help:"Folder of the study, whose ledger is written." default:"." type:"existingdir" placeholder:"DIR"`
	Out   []string `short:"o" help:"Folder with results or exports; exported files that still lie there are deleted. May be repeated." placeholder:"DIR" sep:"none"`
	by
}

type consentWithdraw struct {
	Subject string `arg:"" help:"The person."`
	Scope   string `required:"" help:"What is withdrawn: ${scopes}." placeholder:"SCOPE"`
	inStudy
	asOf
}

func (c consentWithdraw) Run(in *invocation) error {
	st, err := loadStudy(in, c.Study, []string{c.Subject})
	if err != nil {
		return err
	}
	if !slices.Contains(consent.Scopes, c.Scope) {
		return inputError{fmt.Errorf("--scope %q: expected one of %s", c.Scope, strings.Join(consent.Scopes, ", "))}
	}
	if today := (asOf{}).day(); c.day().After(today) {
		return inputError{fmt.Errorf("--as-of %s: a withdrawal counts from today (%s) or earlier", c.day(), today)}
	}
	w, err := consent.Withdraw(in.ctx, st, c.Subject, c.Scope, c.day(), c.name(), c.Out...)
	printArtefacts(in.stdout, w.Artefacts)
	if err != nil {
		return err
	}
	again := ""
	if w.Since.Before(c.day()) {
		again = ", which was on record already"
	}
	fmt.Fprintf(in.stdout, "%s withdrew %s from %s on%s; recorded in %s\n", c.Subject, c.Scope, w.Since, again, filepath.Join(c.Study, consent.LedgerFile))
	if c.Scope == "clinical" {
		fmt.Fprintln(in.stdout, "the clinical record stays; it may rest on another basis than consent. dermatrend erase removes it")
	}
	return printReceipt(in, w.Receipt)
}

func printArtefacts(w io.Writer, all []consent.Artefact) {
	for _, a := range all {
		what := "deleted"
		if !a.Deleted {
			what = "exported, not deleted here"
			if _, err := os.Lstat(a.Path); errors.Is(err, os.ErrNotExist) {
				what = "exported, no longer there"
			}
		}
		fmt.Fprintf(w, "%s: %s\n", what, a.Path)
	}
}

func printExcluded(w io.Writer, all []pipeline.Excluded) {
	for _, e := range all {
		fmt.Fprintf(w, "left out: %s: %s\n", e.Subject, e.Reason)
	}
}

// released ends a command whose output leaves the clinic: it prints the ledger's head,
// to be kept elsewhere, and says by the exit code whether somebody was left out.
func released(in *invocation, r consent.Receipt, excluded []pipeline.Excluded) error {
	if err := printReceipt(in, r); err != nil {
		return err
	}
	if len(excluded) > 0 {
		return errPartial
	}
	return nil
}

func printReceipt(in *invocation, r consent.Receipt) error {
	if r.ClockBack {
		fmt.Fprintf(in.stderr, "dermatrend: warning: the ledger has entries of a later time than this machine's clock, which says %s: it was set back, or another's ran ahead; consent that has ended since may count as valid (dermatrend ledger verify lists them)\n",
			time.Now().UTC().Format(time.RFC3339))
	}
	return printHead(in.stdout, r.Head)
}

func printHead(w io.Writer, head string) error {
	_, err := fmt.Fprintf(w, "ledger head: %s\n", head)
	return err
}

type eraseCommand struct {
	Subject string `arg:"" help:"The person."`
	Photos  bool   `help:"Delete the person's folder with the photos and the manifest, too."`
	inStudy
	inCluster
}

func (c eraseCommand) Run(in *invocation) error {
	st, err := loadStudy(in, c.Study, []string{c.Subject})
	if err != nil {
		return err
	}
	if c.DB != "" || c.Store != "" {
		if err := c.inCluster.erase(in, st, c.Subject); err != nil {
			return err
		}
	}
	folders := append(slices.Clone(c.Out), st.Root)
	w, err := consent.Erase(in.ctx, st, c.Subject, asOf{}.day(), c.name(), folders...)
	printArtefacts(in.stdout, w.Artefacts)
	if err != nil {
		return err
	}
	for _, out := range c.Out {
		found, err := pipeline.Remove(in.ctx, out, c.Subject)
		switch {
		case errors.Is(err, pipeline.ErrUsage): // a folder of exports only
		case err != nil:
			return err
		case found:
			fmt.Fprintf(in.stdout, "%s: removed from tables, reports and pictures\n", out)
		default:
			fmt.Fprintf(in.stdout, "%s: %s is not in it\n", out, c.Subject)
		}
	}
	var own []string // told below
	if i := slices.IndexFunc(st.Subjects, func(s study.Subject) bool { return s.ID == c.Subject }); i >= 0 {
		own = append(own, st.Subjects[i].Dir)
	}
	traces, err := pipeline.Forget(in.ctx, c.Subject, folders, own...)
	for _, t := range traces {
		what := "still there"
		if t.Deleted {
			what = "deleted"
		}
		fmt.Fprintf(in.stdout, "%s: %s (%s)\n", what, t.Path, t.What)
	}
	if err != nil {
		return err
	}
	for _, dir := range own {
		if err := c.photos(in, dir, st.Root); err != nil {
			return err
		}
	}
	fmt.Fprintf(in.stdout, "looked at: %s; what lies elsewhere (other folders, copies, backups, what was sent) is out of reach, and the ledger keeps the entries that name %s\n", strings.Join(folders, ", "), c.Subject)
	return printReceipt(in, w.Receipt)
}

// photos deletes the person's folder where that is asked for, never the study's.
func (c eraseCommand) photos(in *invocation, dir, root string) error {
	rel, err := filepath.Rel(root, dir)
	if err != nil || rel == "." || !filepath.IsLocal(rel) || !c.Photos {
		_, err := fmt.Fprintf(in.stdout, "%s: the photos and the manifest are still there\n", dir)
		return err
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.RemoveAll(rel); err != nil {
		return err
	}
	_, err = fmt.Fprintf(in.stdout, "%s: deleted\n", dir)
	return err
}

type ledgerCommand struct {
	Verify ledgerVerify `cmd:"" help:"Check the chain: an entry that was edited or cut out is found; with a head that was kept elsewhere, also a cut end."`
	List   ledgerList   `cmd:"" help:"Print the entries."`
}

type ledgerVerify struct {
	Study string `arg:"" optional:"" default:"." help:"Folder of the study."`
	Head  string `help:"A head that an export printed." placeholder:"HASH"`
}

func (c ledgerVerify) Run(in *invocation) error {
	all, err := ledgerEntries(in, c.Study, c.Head)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.ClockBack {
			fmt.Fprintf(in.stdout, "entry %d: dated %s, before an entry above it: the clock was set back\n", e.Seq, e.Time)
		}
	}
	fmt.Fprintf(in.stdout, "%d entries, unbroken\n", len(all))
	return printHead(in.stdout, consent.Head(all))
}

type ledgerList struct {
	Study string `arg:"" optional:"" default:"." help:"Folder of the study."`
}

func (c ledgerList) Run(in *invocation) error {
	all, err := ledgerEntries(in, c.Study, "")
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(in.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENTRY\tTIME\tKIND\tSCOPE\tSUBJECTS\tFILES\tBY\tHASH")
	for _, e := range all {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", e.Seq, e.Time, e.Kind, e.Scope, strings.Join(e.Subjects, " "), len(e.Artefacts), e.By, e.Hash[:12])
	}
	return w.Flush()
}

func ledgerEntries(in *invocation, root, head string) ([]consent.Entry, error) {
	l, err := consent.Existing(root)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, inputError{fmt.Errorf("%s has no ledger: nothing was exported or withdrawn yet", root)}
	}
	defer l.Close()
	return l.Verify(in.ctx, head)
}
