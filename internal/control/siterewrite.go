package control

import (
	"context"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"
)

// A siteRewrite is what is otherwise here than at the other site.
type siteRewrite struct {
	Kind string `json:"kind"`
	From string `json:"from"`
	To   string `json:"to"`
}

// ModifySite changes what is rewritten of a site.
func (d *Daemon) ModifySite(ctx context.Context, name string, q SiteModify) (SiteInfo, error) {
	for _, w := range q.Rewrites {
		if err := siteRewrite(w).check(); err != nil {
			return SiteInfo{}, err
		}
	}
	end, err := d.begin(ctx)
	if err != nil {
		return SiteInfo{}, err
	}
	defer end()
	r, err := d.findSite(name)
	if err != nil {
		return SiteInfo{}, err
	}
	if q.Clear {
		r.Rewrites = nil
	}
	for _, w := range q.Rewrites {
		r.Rewrites = slices.DeleteFunc(slices.Clone(r.Rewrites), func(o siteRewrite) bool { return o.Kind == w.Kind && o.From == w.From })
		if w.To != "" {
			r.Rewrites = append(r.Rewrites, siteRewrite(w))
		}
	}
	err = d.state.Update(func(tx Tx) error { return siteKind.put(tx, r.name(), r) })
	return r.info(), err
}

// check refuses a rewrite that cannot be.
func (w siteRewrite) check() (err error) {
	switch w.Kind {
	case RewritePath:
		if !path.IsAbs(w.From) || w.To != "" && !path.IsAbs(w.To) {
			err = refuse(fmt.Sprintf("%s=%s rewrites no path", w.From, w.To), "Name both from the root directory on.")
		}
	case RewritePortal:
		for _, a := range []string{w.From, w.To} {
			if a != "" && err == nil {
				_, err = ParseHostPort(a, DefaultPort)
			}
		}
	case RewritePortalGroup:
		if w.From == "" {
			err = refuse("a portal group without a name cannot be rewritten", "Write it OLD=NEW.")
		}
	default:
		err = refuse(fmt.Sprintf("%q is nothing that can be rewritten", w.Kind), fmt.Sprintf("Choose %s, %s or %s.", RewritePath, RewritePortal, RewritePortalGroup))
	}
	return err
}

// rewritten is a name of a kind as it is here, and whether there is a rewrite of it.
func (r *siteRecord) rewritten(kind, name string) (string, bool) {
	for _, w := range r.Rewrites {
		if w.Kind == kind && w.From == name {
			return w.To, true
		}
	}
	return name, false
}

// path is the path of a replica's store as it is here: the longest beginning that is rewritten counts.
func (r *siteRecord) path(p string) string {
	best := siteRewrite{}
	for _, w := range r.Rewrites {
		if w.Kind == RewritePath && len(w.From) > len(best.From) && (p == w.From || strings.HasPrefix(p, strings.TrimSuffix(w.From, "/")+"/")) {
			best = w
		}
	}
	if best.From == "" {
		return p
	}
	return path.Join(best.To, strings.TrimPrefix(p, best.From))
}

// portal is an address as it is here, and whether there is a rewrite of it: with its port, or without.
func (r *siteRecord) portal(address string) (string, bool) {
	if to, ok := r.rewritten(RewritePortal, address); ok {
		return withPort(to, address), true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if to, ok := r.rewritten(RewritePortal, host); ok {
		return withPort(to, address), true
	}
	return address, false
}

// withPort is to, with the port of from where it has none.
func withPort(to, from string) string {
	if _, _, err := net.SplitHostPort(to); err == nil {
		return to
	}
	_, port, err := net.SplitHostPort(from)
	if err != nil {
		return to
	}
	return net.JoinHostPort(strings.Trim(to, "[]"), port)
}

// here makes doc, which came from the other site, fit for this one: paths has the replicas' stores by
// their units, and groups the portal groups that are here. It tells what is otherwise.
func (r *siteRecord) here(doc *document, paths map[string]string, groups map[string]groupRecord) (notes []string) {
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	doc.ofUnits() // whatever the other site has sent
	doc.Units = slices.DeleteFunc(doc.Units, func(u documentUnit) bool { return paths[u.GUID.String()] == "" })
	for i := range doc.Units {
		u := &doc.Units[i]
		u.Path, u.State, u.Offset = r.path(paths[u.GUID.String()]), "", 0
		u.Direct, u.Created = false, nil
	}
	known := make(map[string]bool) // by the names that they have there
	doc.PortalGroups = slices.DeleteFunc(doc.PortalGroups, func(g documentPortalGroup) bool {
		to, renamed := r.rewritten(RewritePortalGroup, g.Name)
		if _, here := groups[to]; here {
			known[g.Name] = true
			return true
		}
		for _, p := range g.Portals {
			_, rewritten := r.portal(p)
			known[g.Name] = known[g.Name] || rewritten
		}
		if !known[g.Name] && renamed {
			note("there is no portal group %q here, which %q is to be", to, g.Name)
		}
		return !known[g.Name]
	})
	for i := range doc.PortalGroups {
		g := &doc.PortalGroups[i]
		g.Name, _ = r.rewritten(RewritePortalGroup, g.Name)
		g.Tag, g.ALUAGroup, g.Redirect, g.Networks = 0, 0, "", nil
		for j, p := range g.Portals {
			g.Portals[j], _ = r.portal(p)
		}
		for j, a := range g.Announce {
			g.Announce[j], _ = r.portal(a)
		}
	}
	for i := range doc.Targets {
		t := &doc.Targets[i]
		t.Ports, t.Offline = nil, false
		var names []string
		for _, g := range t.PortalGroups {
			if known[g] {
				to, _ := r.rewritten(RewritePortalGroup, g)
				names = append(names, to)
			}
		}
		if len(names) == 0 && len(t.PortalGroups) > 0 {
			note("target %s is in all portal groups here: none of its own is known (lunar site rewrite)", t.Name)
		}
		t.PortalGroups = names
	}
	return notes
}
