package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/lunarsan/lunar/internal/control"
)

// What the demo serves.
const (
	demoTarget = "iqn.2026-11.io.github.lunarsan:demo"
	demoSize   = 1 << 30
)

// serveDemo serves one unit from a folder that is removed at the end.
func (c *cli) serveDemo(ctx context.Context, opts control.Options) (err error) {
	dir, err := os.MkdirTemp("", "lunar-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	opts.StateDir = dir
	if c.socket == "" {
		opts.Socket = socketIn(dir)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var d *control.Daemon
	opts.Ready = func() {
		if err := c.explainDemo(ctx, d, opts.Socket); err != nil {
			stop(err)
		}
	}
	if d, err = control.Open(opts); err != nil {
		return err
	}
	if err := fillDemo(ctx, d, dir); err != nil {
		return errors.Join(err, d.Close())
	}
	err = d.Run(ctx)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// fillDemo makes the unit and the target.
func fillDemo(ctx context.Context, d *control.Daemon, dir string) error {
	_, err := d.CreateUnit(ctx, control.UnitCreate{
		Path:       filepath.Join(dir, "demo.img"),
		Size:       demoSize,
		Alias:      "demo",
		Thin:       true,
		WriteCache: true,
	})
	if err == nil {
		_, err = d.CreateTarget(ctx, control.TargetCreate{Name: demoTarget, Alias: "lunar demo"})
	}
	return err
}

// explainDemo says how to connect, or fails when nobody could.
func (c *cli) explainDemo(ctx context.Context, d *control.Daemon, socket string) error {
	groups, err := d.Groups(ctx)
	if err != nil {
		return err
	}
	var at *netip.AddrPort
	for _, p := range groups[0].Portals {
		a, err := netip.ParseAddrPort(p.Address)
		switch {
		case err != nil || p.State != control.PortalListening:
			return &control.Problem{
				Title: fmt.Sprintf("cannot listen on %s: %s", p.Address, p.Reason),
				Hint:  "Choose another address or port: lunar serve --demo --listen 127.0.0.1:13260",
			}
		case at == nil:
			at = &a
		}
	}
	if at.Addr().IsUnspecified() {
		*at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	url := fmt.Sprintf("iscsi://%s/%s/0", at, demoTarget)
	esxi := ""
	if !at.Addr().IsLoopback() {
		esxi = fmt.Sprintf("  ESXi        esxcli iscsi adapter discovery sendtarget add -A vmhbaNN -a %s\n", at)
	}
	c.printf(`Serving a throw-away disk of %s. Connect to it:

  URL         %s
  libiscsi    iscsi-ls -s iscsi://%s
  qemu        qemu-img info %s
  open-iscsi  iscsiadm -m discovery -t sendtargets -p %s
              iscsiadm -m node -T %s -p %s --login
%s
Look at it from another shell:

  lunar --api %s status

Ctrl-C ends it, and removes the disk.
`, formatSize(demoSize), url, at, url, at, demoTarget, at, esxi, socket)
	return nil
}
