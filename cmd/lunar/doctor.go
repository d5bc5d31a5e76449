package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// doctor tells what is right and wrong about the initiators.
func (c *cli) doctor() *cobra.Command {
	var o output
	var slow bool
	cmd := o.flag(c.completing(c.verb("doctor [INITIATOR]", "Tell what initiators asked for and got, and what to do", func(cmd *cobra.Command, args []string) error {
		d, err := c.client().Doctor(cmd.Context())
		if err != nil {
			return err
		}
		if len(args) > 0 {
			if err := narrow(&d, args[0]); err != nil {
				return err
			}
		}
		return c.print(&o, d, func() {
			if slow {
				c.showSlow(d)
			} else {
				c.showDiagnosis(d)
			}
		})
	}), patientNames))
	cmd.Long = `For each initiator that is logged in, or was since lunar started: findings in words, worst
first, each with what to do about it; then the figures behind them. INITIATOR is its name, its
alias, or a part of either.

A finding is a problem, a warning, a note or good. docs/esxi.md explains those about ESXi.
Nothing is changed, and the daemon counts these things anyway.`
	cmd.Flags().BoolVar(&slow, "slow", false, "list the slow commands instead: the last ones and the slowest of each unit")
	return cmd
}

// patientNames completes the names of initiators.
func patientNames(ctx context.Context, client *control.Client) (names []string) {
	d, _ := client.Doctor(ctx) // no daemon, nothing to complete
	for _, p := range d.Initiators {
		names = append(names, p.Name)
	}
	return names
}

// narrow leaves in d what is about the initiator that name means.
func narrow(d *control.Diagnosis, name string) error {
	found := slices.DeleteFunc(slices.Clone(d.Initiators), func(p control.Patient) bool { return p.Name != name && p.Alias != name })
	if len(found) == 0 {
		found = slices.DeleteFunc(slices.Clone(d.Initiators), func(p control.Patient) bool {
			return !strings.Contains(p.Name, strings.ToLower(name)) && !strings.Contains(p.Alias, name)
		})
	}
	switch len(found) {
	case 0:
		return &control.Problem{Title: fmt.Sprintf("no initiator %q was here since lunar started", name), Hint: "lunar doctor without a name shows those that were."}
	case 1:
	default:
		return &control.Problem{Title: fmt.Sprintf("%q means %d initiators", name, len(found)), Hint: "Say which: " + found[0].Name + ", " + found[1].Name + "."}
	}
	d.Initiators = found
	d.Slow = slices.DeleteFunc(d.Slow, func(s control.SlowCommand) bool { return s.Initiator != found[0].Name })
	return nil
}

func (c *cli) showDiagnosis(d control.Diagnosis) {
	c.printf("counted since %s\n\n", moment(d.Since))
	c.showFindings(d.Findings)
	for i := range d.Initiators {
		c.printf("\n")
		c.showPatient(&d.Initiators[i])
	}
}

// levelColours are how levels look on a terminal.
var levelColours = map[control.Level]string{
	control.Broken:  "\x1b[31m",
	control.Warning: "\x1b[33m",
	control.Good:    "\x1b[32m",
}

// showFindings prints findings, each with its advice below it.
func (c *cli) showFindings(list []control.Finding) {
	const indent = 9
	for _, f := range list {
		level := fmt.Sprintf("%-*s", indent, f.Level)
		if colour := levelColours[f.Level]; colour != "" && c.colours() {
			level = colour + level + "\x1b[0m"
		}
		c.printf("%s%s\n", level, wrap(f.What, indent))
		if f.Advice != "" {
			c.printf("%*s-> %s\n", indent, "", wrap(f.Advice, indent+3))
		}
	}
}

// wrap breaks text that begins in a column into lines that begin there.
func wrap(text string, column int) string {
	const width = 100
	var b strings.Builder
	at := column
	for i, word := range strings.Fields(text) {
		switch n := len([]rune(word)); {
		case i == 0:
			at += n
		case at+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column + n
		default:
			b.WriteByte(' ')
			at += 1 + n
		}
		b.WriteString(word)
	}
	return b.String()
}

func (c *cli) showPatient(p *control.Patient) {
	name := p.Name
	if p.Alias != "" {
		name += " (" + p.Alias + ")"
	}
	c.printf("%s: %s\n", name, p.Kind)
	if len(p.Sessions) == 0 && !p.Left.IsZero() {
		c.printf("was here from %s to %s\n", moment(p.Since), moment(p.Left))
	}
	c.printf("\n")
	c.showFindings(p.Findings)
	for _, rows := range [][][]string{sessionRows(p), offloadRows(p), troubleRows(p), attentionRows(p), functionRows(p)} {
		if len(rows) > 1 {
			c.printf("\n")
			c.table(rows)
		}
	}
}
