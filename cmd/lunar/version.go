package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version string

// programVersion is the version that was linked in, or the one that Go found in the module
// or its repository.
func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	v := "devel"
	if revision := settings["vcs.revision"]; len(revision) >= 12 {
		v += "-" + revision[:12]
	}
	if settings["vcs.modified"] == "true" {
		v += "-modified"
	}
	return v
}

// version prints the program's version.
func (c *cli) version() *cobra.Command {
	var o output
	return o.flag(c.verb("version", "Show the version of this program, and of the daemon when it runs", func(cmd *cobra.Command, _ []string) error {
		v := struct {
			Version  string `json:"version"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
			Daemon   string `json:"daemon,omitempty"`
		}{Version: programVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
		ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
		defer cancel()
		if s, err := c.client().Status(ctx); err == nil {
			v.Daemon = s.Version
		}
		return c.print(&o, v, func() {
			c.printf("lunar %s, %s, %s\n", v.Version, v.Go, v.Platform)
			if v.Daemon != "" {
				c.printf("daemon %s\n", v.Daemon)
			}
		})
	}))
}
