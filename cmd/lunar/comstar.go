package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// COMSTAR's own commands, for those who have them in the fingers: the same sub-commands,
// options, columns and, where a reason is the same, the same words. Each is a noun of lunar
// comstar, and the program itself when it is called by the command's name. They ask the daemon
// as all verbs do; what it cannot do is refused with the way out.

// comstarVersion is what all of COMSTAR's commands call themselves.
const comstarVersion = "1.0"

// comstar has COMSTAR's commands.
func (c *cli) comstar() *cobra.Command {
	return c.noun("comstar", "COMSTAR's own commands, which also work by their own names", c.comstarCommands()...)
}

func (c *cli) comstarCommands() []*cobra.Command {
	return []*cobra.Command{c.sbdadm(), c.stmfadm(), c.itadm(), c.iscsitadm()}
}

// comstarCommand is one of COMSTAR's commands.
func (c *cli) comstarCommand(name, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := c.noun(name, short, verbs...)
	cmd.Annotations = map[string]string{comstarMark: ""}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.Version = comstarVersion
	cmd.SetVersionTemplate("{{.Name}}: Version {{.Version}}\n")
	cmd.Flags().BoolP("version", "V", false, "show the version that COMSTAR's had")
	questionMarks(cmd)
	return cmd
}

// comstarMark annotates COMSTAR's commands.
const comstarMark = "comstar"

func isCOMSTAR(cmd *cobra.Command) bool {
	_, is := cmd.Annotations[comstarMark]
	return is
}

// questionMarks gives cmd and all below it the option -?; -h, where nothing else has it, asks for
// help too.
func questionMarks(cmd *cobra.Command) {
	cmd.Flags().BoolP("help", "?", false, "help for "+cmd.Name())
	for _, sub := range cmd.Commands() {
		questionMarks(sub)
	}
}

// nameOf is the name that cmd complains under: that of COMSTAR's command, or the program's.
func nameOf(cmd *cobra.Command) string {
	for cmd.HasParent() && !isCOMSTAR(cmd) {
		cmd = cmd.Parent()
	}
	return cmd.Name()
}

// A comstarWord is how COMSTAR's commands put a refusal, by its HTTP status.
type comstarWord map[int]string

// COMSTAR's words. What a status means depends on what was asked.
var (
	notFound  = comstarWord{http.StatusNotFound: "not found"}
	wordsMake = comstarWord{http.StatusNotFound: "not found", http.StatusConflict: "already exists"}
	wordsBusy = comstarWord{http.StatusNotFound: "not found", http.StatusConflict: "resource busy"}
)

// of puts err, which concerns operand, in COMSTAR's words, and what the daemon said behind them.
func (w comstarWord) of(operand string, err error) error {
	for status, word := range w {
		err = instead(err, status, operand+": "+word)
	}
	return err
}

// instead has title say what the daemon refused with status, and the daemon's own words behind it.
func instead(err error, status int, title string) error {
	var p *control.Problem
	if !errors.As(err, &p) || p.Status != status {
		return err
	}
	return &control.Problem{Title: title, Hint: p.Title + ". " + p.Hint}
}

// notHere refuses an option that the daemon has nothing for.
func notHere(option, because, hint string) error {
	return &control.Problem{Title: option + " is not here, because " + because, Hint: hint}
}

// guidDigits is how long a GUID is written.
const guidDigits = 32

// checkGUID refuses what is no name of a logical unit. It is left to the daemon otherwise.
func checkGUID(s string) error {
	if len(s) != guidDigits || strings.Trim(strings.ToLower(s), "0123456789abcdef") != "" {
		return &control.Problem{Title: fmt.Sprintf("%s: must be %d hexadecimal digits long", s, guidDigits), Hint: "stmfadm list-lu shows the names of logical units."}
	}
	return nil
}

// zvolDirs are where Solaris has the devices of zvols, raw and block. Linux has one folder.
var zvolDirs = [...]string{"/dev/zvol/rdsk/", "/dev/zvol/dsk/"}

// storePath is where the store that COMSTAR calls path is here.
func storePath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", path, err)
	}
	for _, dir := range zvolDirs {
		if name, is := strings.CutPrefix(path, dir); is {
			if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
				return "/dev/zvol/" + name, nil
			}
		}
	}
	return path, nil
}

// isNotFound reports whether err says that something is not there.
func isNotFound(err error) bool {
	var p *control.Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}
