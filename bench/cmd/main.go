// Command cmd measures lunar beside tgt and the ceiling, and prints a table.
//
// usage: go run ./bench/cmd [-rounds N] [-time D] [-size BYTES] [-ceiling FILE.c]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
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
	flag.IntVar(&c.Rounds, "rounds", c.Rounds, "rounds, of which the table shows the median")
	flag.DurationVar(&c.Time, "time", c.Time, "about how long one run takes")
	flag.Int64Var(&c.Size, "size", c.Size, "size of the file in memory that all serve, in bytes")
	flag.StringVar(&c.Ceiling, "ceiling", c.Ceiling, "C source of the least that a target can do; usage of the program: PORT MIB")
	flag.Parse()
	report, err := bench.Run(ctx, c, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Print(report)
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
