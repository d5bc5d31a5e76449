package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// man writes manual pages.
func (c *cli) man() *cobra.Command {
	cmd := c.verb("man DIR", "Write the manual pages into a folder", func(cmd *cobra.Command, args []string) error {
		if err := os.MkdirAll(args[0], 0o755); err != nil {
			return fmt.Errorf("making the folder of the manual pages: %w", err)
		}
		for _, root := range append(c.comstarCommands(), cmd.Root()) {
			if err := writePages(root, args[0]); err != nil {
				return err
			}
		}
		return nil
	})
	cmd.Hidden = true
	return cmd
}

// writePages writes the page of cmd and of everything below it: lunar.1, lunar-lu-create.1.
func writePages(cmd *cobra.Command, dir string) error {
	name := pageName(cmd)
	if err := os.WriteFile(filepath.Join(dir, name+".1"), []byte(page(cmd)), 0o644); err != nil {
		return fmt.Errorf("writing a manual page: %w", err)
	}
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() || sub.Name() == "help" || isCOMSTAR(sub) {
			continue
		}
		if err := writePages(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

func pageName(cmd *cobra.Command) string {
	return strings.ReplaceAll(cmd.CommandPath(), " ", "-")
}

// page is the manual page of cmd in the man(7) language.
func page(cmd *cobra.Command) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	name := pageName(cmd)
	say(".TH %s 1 \"\" \"lunar %s\"", strings.ToUpper(roff(name)), roff(programVersion()))
	say(".SH NAME\n%s \\- %s", roff(name), roff(lowerFirst(cmd.Short)))
	say(".SH SYNOPSIS\n.B %s", roff(cmd.UseLine()))
	if cmd.Long != "" {
		say(".SH DESCRIPTION\n%s", strings.ReplaceAll(roff(cmd.Long), "\n\n", "\n.PP\n"))
	}
	if cmd.HasAvailableLocalFlags() {
		say(".SH OPTIONS")
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			word, usage := pflag.UnquoteUsage(f)
			option := "--" + f.Name
			if f.Shorthand != "" {
				option = "-" + f.Shorthand + ", " + option
			}
			if word != "" {
				option += " " + word
			}
			say(".TP\n.B %s\n%s", roff(option), roff(usage))
		})
	}
	var related []string
	if cmd.HasParent() {
		related = append(related, pageName(cmd.Parent()))
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			related = append(related, pageName(sub))
		}
	}
	if len(related) > 0 {
		say(".SH SEE ALSO\n.BR %s (1)", strings.Join(escaped(related), " (1),\n.BR "))
	}
	return b.String()
}

func escaped(names []string) []string {
	for i, name := range names {
		names[i] = roff(name)
	}
	return names
}

// roff escapes what the formatter would take for its own.
func roff(s string) string {
	s = strings.ReplaceAll(s, `\`, `\e`)
	s = strings.ReplaceAll(s, "-", `\-`)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
