package main

import (
	"fmt"

	"github.com/dermatrend/dermatrend/pipeline"
)

type blindCommand struct {
	Out     string   `arg:"" help:"Folder that run has written."`
	Pack    string   `name:"output" short:"o" required:"" help:"Folder of the pack, which must not exist yet. PACK-key.csv and PACK-key-metrics.csv beside it must not reach the readers." placeholder:"PACK"`
	Scale   string   `enum:"${scales}" default:"gais" help:"What readers score by: ${enum}."`
	Zone    []string `help:"Show this zone only; may be repeated. Without it the whole aligned picture, by which a person can be recognised." placeholder:"ZONE"`
	Seed    uint64   `default:"1" help:"Seed of the order, which is drawn from the pictures too."`
	Repeats int      `default:"-1" help:"Pairs that are shown twice. Default: a fifth, at least three." placeholder:"N"`
	Shams   int      `default:"-1" help:"Pairs without a treatment between. Default: a fifth, at least three." placeholder:"N"`
	Study   string   `help:"Folder of the study: its manifests and ledger are asked for consent, and the pack is entered into its ledger. Needed." type:"existingdir" placeholder:"STUDY"`
	asOf
	by
}

func (c blindCommand) Run(in *invocation) error {
	st, err := ledgerStudy(in, c.Study)
	if err != nil {
		return err
	}
	sum, err := pipeline.Blind(in.ctx, c.Out, pipeline.BlindOptions{Dir: c.Pack, Scale: c.Scale, Zones: c.Zone, Seed: c.Seed,
		Repeats: c.Repeats, Shams: c.Shams, AsOf: c.day(), Study: st, By: c.name()})
	printExcluded(in.stdout, sum.Excluded)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s, %d shown twice, %s (%d of two untreated visits, %d of one visit twice), consent as of %s: %s\n",
		count(sum.Pairs, "pair"), sum.Repeats, count(sum.ShamsUntreated+sum.ShamsSame, "sham"), sum.ShamsUntreated, sum.ShamsSame, c.day(), c.Pack)
	if len(c.Zone) == 0 {
		fmt.Fprintln(in.stdout, "the pictures show faces, by which persons can be recognised; --zone shows skin only")
	}
	fmt.Fprintf(in.stdout, "key, not for the readers: %s, %s\n", sum.Key, sum.Changes)
	return released(in, sum.Receipt, sum.Excluded)
}
