package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// Exit codes.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitNotServing = 3
)

// A world is everything outside that a verb may touch.
type world struct {
	name   string // that the program was called by, with its path
	args   []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
}

// A cli is one run of the command line.
type cli struct {
	world
	socket string // --api
	remote control.Remote
	as     string // the name that it complains under
	begun  bool   // a verb has taken over; what went wrong before is wrong usage
}

// run performs the command in w.args and returns the exit code.
func run(ctx context.Context, w world) int {
	c := &cli{world: w}
	root := c.called()
	root.SetArgs(w.args)
	root.SetIn(w.stdin)
	root.SetOut(w.stdout)
	root.SetErr(w.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	c.as = nameOf(cmd)
	if !c.begun {
		err = misuse(cmd, "%v", err)
	}
	c.complain(err)
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, control.ErrNotServing):
		return exitNotServing
	}
	return exitFailed
}

// called is the command that the program was called as.
func (c *cli) called() *cobra.Command {
	called := filepath.Base(c.world.name)
	for _, cmd := range c.comstarCommands() {
		if cmd.Name() == called {
			return c.top(cmd)
		}
	}
	return c.root()
}

// top prepares cmd to be the root of a tree.
func (c *cli) top(cmd *cobra.Command) *cobra.Command {
	cmd.SilenceErrors = true
	cmd.SilenceUsage = true
	cmd.PersistentFlags().StringVar(&c.socket, "api", "", "the daemon's `SOCKET`, or https://HOST:PORT with a token in $LUNAR_TOKEN ($LUNAR_API)")
	cmd.PersistentFlags().StringVar(&c.remote.Fingerprint, "api-fingerprint", "", "trust the remote daemon whose certificate has this `SHA256` ($LUNAR_API_FINGERPRINT)")
	cmd.PersistentFlags().StringVar(&c.remote.CA, "api-ca", "", "trust remote daemons that the certificates in `FILE` vouch for ($LUNAR_API_CA)")
	return cmd
}

// root is the tree of commands.
func (c *cli) root() *cobra.Command {
	root := c.noun("lunar", "Serve disks over iSCSI, and look after them",
		c.serve(), c.status(), c.alarm(), c.doctor(), c.lu(), c.target(), c.tpg(), c.initiator(), c.hg(), c.tg(), c.view(), c.discovery(), c.isns(), c.radius(), c.config(), c.token(), c.peer(), c.job(), c.site(), c.dr(), c.session(), c.activity(), c.stream(), c.send(), c.receive(), c.key(), c.churn(), c.vmfs(), c.comstar(), c.openapi(), c.version(), c.man())
	root.Long = `Lunar serves files, block devices and zvols to iSCSI initiators such as VMware ESXi.

lunar serve is the daemon. Every other verb asks it over its socket, found by --api, then
$LUNAR_API, then where lunar serve puts it by default.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 nothing listens on the socket.`
	return c.top(root)
}

// A usageError is a command line that does not make sense.
type usageError struct{ what, hint string }

func (e *usageError) Error() string { return e.what }

// misuse is a usage error of cmd, with the way to its help.
func misuse(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), fmt.Sprintf("%s --help tells how it is used.", cmd.CommandPath())}
}

// noun is a command that only has verbs.
func (c *cli) noun(name, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				cmd.SetOut(c.stderr)
				_ = cmd.Help() // only a broken stderr fails it
				return fmt.Errorf("%s needs a verb", cmd.CommandPath())
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return fmt.Errorf("%s has no verb %q; did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
			}
			return fmt.Errorf("%s has no verb %q", cmd.CommandPath(), args[0])
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(verbs...)
	return cmd
}

// verb is a command that does something. use gives its name and its arguments, of which those
// in brackets may be left out and one that ends in "..." may be repeated.
func (c *cli) verb(use, short string, do func(cmd *cobra.Command, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: argumentsOf(use), RunE: func(cmd *cobra.Command, args []string) error {
		c.begun = true
		return do(cmd, args)
	}}
}

// argumentsOf checks that there are as many arguments as use names.
func argumentsOf(use string) cobra.PositionalArgs {
	words := strings.Fields(use)[1:]
	least, most := 0, len(words)
	for _, w := range words {
		if !strings.HasPrefix(w, "[") {
			least++
		}
		if strings.Contains(w, "...") {
			most = -1
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s needs %s", cmd.CommandPath(), strings.Join(words[len(args):least], " "))
		case most >= 0 && len(args) > most:
			return fmt.Errorf("%s does not know what to do with %q", cmd.CommandPath(), args[most])
		}
		return nil
	}
}

// given returns value where the command line has the flag, and nil where it has not.
func given[T any](cmd *cobra.Command, flag string, value *T) *T {
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	return value
}

// said returns value where the command line has the flag, and nothing where it has not.
func said[T any](cmd *cobra.Command, flag string, value T) (none T) {
	if !cmd.Flags().Changed(flag) {
		return none
	}
	return value
}

// client asks the daemon.
func (c *cli) client() *control.Client {
	socket := c.socket
	if socket == "" {
		socket = c.getenv("LUNAR_API")
	}
	if socket == "" {
		socket = socketIn(c.defaultState())
	}
	if !strings.Contains(socket, "://") {
		return control.NewClient(socket)
	}
	r := c.remote
	r.URL, r.Token = socket, c.getenv("LUNAR_TOKEN")
	r.Fingerprint = or(r.Fingerprint, c.getenv("LUNAR_API_FINGERPRINT"))
	r.CA = or(r.CA, c.getenv("LUNAR_API_CA"))
	return control.NewRemoteClient(r)
}

// defaultState is where the state is when nobody says otherwise.
func (c *cli) defaultState() string {
	if os.Geteuid() == 0 {
		return "/var/lib/lunar"
	}
	if home := c.getenv("XDG_STATE_HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, "lunar")
	}
	return filepath.Join(c.getenv("HOME"), ".local", "state", "lunar")
}

func socketIn(state string) string { return filepath.Join(state, "lunar.sock") }

// completing makes cmd complete its first argument with what list finds.
func (c *cli) completing(cmd *cobra.Command, list func(context.Context, *control.Client) []string) *cobra.Command {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names := slices.DeleteFunc(list(cmd.Context(), c.client()), func(s string) bool { return !strings.HasPrefix(s, begun) })
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}
