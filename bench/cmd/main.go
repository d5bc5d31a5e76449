// Command cmd measures lunar beside other targets and the ceiling, and prints tables.
//
// usage: go run ./bench/cmd [-set NAME] [-rounds N] [-only NAMES] ...
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lunarsan/lunar/bench"
	"github.com/lunarsan/lunar/internal/peer"
)

// neighbour is where the ceiling's source may lie, beside the checkout.
const neighbour = "../shared/limit/nulltarget.c"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root, err := peer.Checkout()
	if err != nil {
		return err
	}
	c := bench.Default(root)
	if source := filepath.Join(root, neighbour); exists(source) {
		c.Ceiling = source
	}
	var out outputs
	set := flag.String("set", c.Set.Name, "quick (minutes), memory, conditions, standard (half an hour), growth, or full (hours)")
	match := flag.String("match", "", "measure only the loads of the set whose names match this regular expression")
	rounds := flag.Int("rounds", 0, "rounds, of which the tables show the median (default: as the set has it)")
	only := flag.String("only", "", "targets to measure beside lunar, with commas: tgt,istgt,gotgt,ceiling; - for none (default all)")
	flag.DurationVar(&c.Time, "time", c.Time, "about how long one run takes")
	flag.Int64Var(&c.Size, "size", c.Size, "size of the file in memory that all serve, in bytes")
	flag.StringVar(&c.Disk, "disk", c.Disk, "folder on the disk, for loads that want one")
	flag.StringVar(&c.Other, "other", "", "another build of lunar, to measure beside")
	flag.StringVar(&c.Ceiling, "ceiling", c.Ceiling, "C source of the least that a target can do; usage of the program: PORT MIB")
	profile := flag.String("pgo", "", "measure nothing, and write to this file a profile for go build -pgo")
	flag.StringVar(&out.json, "json", "", "write the report to this file as JSON")
	flag.StringVar(&out.svg, "svg", "", "draw a chart to this file")
	flag.StringVar(&out.save, "save", "", "write all samples to this file, for -compare")
	flag.StringVar(&out.compare, "compare", "", "compare with the samples in this file, by benchstat")
	flag.Parse()
	if c.Set, err = bench.FindSet(*set); err != nil {
		return err
	}
	if c.Rounds = c.Set.Rounds; *rounds > 0 {
		c.Rounds = *rounds
	}
	if c.Set, err = c.Set.Matching(*match); err != nil {
		return err
	}
	if *only != "" {
		c.Only = strings.Split(*only, ",")
	}
	if *profile != "" {
		return bench.Profile(ctx, c, *profile, os.Stderr)
	}
	report, err := bench.Run(ctx, c, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Print(report)
	return out.write(ctx, root, report)
}

// outputs are the files that a report goes to; "" for those that are not wanted.
type outputs struct{ json, svg, save, compare string }

func (o outputs) write(ctx context.Context, root string, r *bench.Report) error {
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.svg != "" {
		if err := os.WriteFile(o.svg, []byte(r.SVG()), 0o644); err != nil {
			return err
		}
	}
	if o.save != "" {
		if err := os.WriteFile(o.save, []byte(r.Benchfmt()), 0o644); err != nil {
			return err
		}
	}
	if o.compare != "" {
		return compare(ctx, root, o.compare, r)
	}
	return nil
}

// compare prints what benchstat says of the samples in a file and those of a report.
func compare(ctx context.Context, root, with string, r *bench.Report) error {
	now, err := os.CreateTemp("", "lunar-bench-now-")
	if err != nil {
		return err
	}
	defer os.Remove(now.Name())
	if _, err := now.WriteString(r.Benchfmt()); err != nil {
		return err
	}
	if err := now.Close(); err != nil {
		return err
	}
	text, err := peer.Output(ctx, nil, "go", "tool", "-modfile="+filepath.Join(root, ".ci/tools/go.mod"),
		"benchstat", "-row", ".fullname", "before="+with, "now="+now.Name())
	fmt.Print("\n", text)
	return err
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
