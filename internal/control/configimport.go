package control

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/internal/comstar"
	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/target"
)

// ImportConfig adds what an export of COMSTAR, or of the daemon before it, describes, as a document
// would be applied: all of it, or nothing. What cannot be carried is told.
func (d *Daemon) ImportConfig(ctx context.Context, r ConfigImport) (ConfigPlan, error) {
	c, err := r.read()
	if err != nil {
		return ConfigPlan{}, err
	}
	var lost []string
	apply := ConfigApply{Force: r.Force, DryRun: r.DryRun, Base: r.Base}
	plan, err := d.reconfigure(ctx, apply, func(current configuration) (configuration, []string, error) {
		i := importing{d: d, from: c, current: current, lost: slices.Clone(c.Lost)}
		doc := i.document()
		for _, l := range i.lost {
			lost = append(lost, l.String())
		}
		m := merge{current: current, listen: d.asStarted, sizeOf: d.sizeOf}
		err := m.merge(doc)
		return m.wanted, nil, err // what is here already stays, which needs no word
	})
	plan.Lost = lost
	return plan, err
}

// read reads the export, and rewrites it for this site.
func (r *ConfigImport) read() (c *comstar.Config, err error) {
	switch r.From {
	case ImportSTMF:
		c, err = comstar.ReadSTMF(strings.NewReader(r.Export))
	case ImportSVCCFG:
		c, err = comstar.ReadISCSITGT(strings.NewReader(r.Export))
	default:
		return nil, refuse(fmt.Sprintf("%q is nothing to import from", r.From), fmt.Sprintf("Choose %s or %s.", ImportSVCCFG, ImportSTMF))
	}
	if err != nil {
		return nil, refuse(oneLine(err), "Export it again, with svccfg export -a stmf or svccfg export -a iscsitgt.")
	}
	rewrite := comstar.Rewrite{DropGroups: r.DropGroups}
	for _, m := range []struct {
		words []string
		into  *[]comstar.Mapping
	}{{r.MapPaths, &rewrite.Paths}, {r.MapPortals, &rewrite.Portals}} {
		for _, word := range m.words {
			mapping, err := comstar.ParseMapping(word)
			if err != nil {
				return nil, refuse(err.Error(), "Write what it was, an equals sign, and what it is here.")
			}
			*m.into = append(*m.into, mapping)
		}
	}
	if err := c.Rewrite(rewrite); err != nil {
		return nil, refuse(err.Error(), "Leave the mapping out, or write it as the export has it.")
	}
	return c, nil
}

// An importing makes a document of what an export says.
type importing struct {
	d       *Daemon
	from    *comstar.Config
	current configuration
	lost    []comstar.Loss
}

func (i *importing) lose(why, what string, args ...any) {
	i.lost = append(i.lost, comstar.Loss{What: fmt.Sprintf(what, args...), Why: why})
}

func (i *importing) document() *document {
	doc := &document{Format: documentFormat, RADIUS: i.radius()}
	for _, g := range i.from.HostGroups {
		doc.HostGroups = append(doc.HostGroups, i.group(HostGroups, g))
	}
	for _, g := range i.from.TargetGroups {
		doc.TargetGroups = append(doc.TargetGroups, i.group(TargetGroups, g))
	}
	for _, u := range i.from.Units {
		if unit, ok := i.unit(u); ok {
			doc.Units = append(doc.Units, unit)
		}
	}
	for _, g := range i.from.PortalGroups {
		if len(g.Portals) == 0 {
			i.lose("it has no address", "portal group %s", g.Name)
			continue
		}
		doc.PortalGroups = append(doc.PortalGroups, documentPortalGroup{Name: g.Name, Portals: g.Portals})
	}
	for _, t := range i.from.Targets {
		doc.Targets = append(doc.Targets, i.target(t, doc.RADIUS != nil || i.asksHere()))
	}
	for _, n := range i.from.Initiators {
		initiator := documentInitiator{Name: n.Name, CHAP: chapOf(n.CHAPUser, n.CHAPSecret)}
		if initiator.CHAP == nil {
			initiator.RADIUSUser = n.CHAPUser
		}
		doc.Initiators = append(doc.Initiators, initiator)
	}
	if f := i.from.Defaults; f.ISNS || len(f.ISNSServers) > 0 {
		i.lose("it may be of another site: lunar isns set registers at one", "iSNS server %s", strings.Join(f.ISNSServers, ", "))
	}
	return doc
}

// asksHere reports whether a RADIUS server can be asked here already.
func (i *importing) asksHere() bool {
	here := i.current.radius[radiusName]
	return here.complete()
}

// radius returns the RADIUS server of the export; nil: none comes along.
func (i *importing) radius() *documentRADIUS {
	f := i.from.Defaults
	if f.RADIUSServer == "" {
		return nil
	}
	servers, err := parseRADIUSServers([]string{f.RADIUSServer})
	switch {
	case err != nil:
		i.lose(oneLine(err), "RADIUS server %s", f.RADIUSServer)
		return nil
	case i.asksHere():
		if here := i.current.radius[radiusName].Servers; !slices.Contains(here, servers[0]) {
			i.lose("here "+strings.Join(here, ", ")+" is asked", "RADIUS server %s", f.RADIUSServer)
		}
		return nil
	case len(f.RADIUSSecret) == 0:
		i.lose("the export has no secret for it: lunar radius set", "RADIUS server %s", f.RADIUSServer)
		return nil
	}
	return &documentRADIUS{Servers: servers, Secret: documentSecret(f.RADIUSSecret)}
}

func chapOf(user string, secret comstar.Secret) *documentCHAP {
	if len(secret) == 0 {
		return nil
	}
	return &documentCHAP{user, documentSecret(secret)}
}

func (i *importing) group(kind GroupKind, g comstar.Group) documentGroup {
	group := documentGroup{Name: g.Name}
	for _, m := range g.Members {
		if _, err := target.ParseMember(m); err != nil {
			i.lose(err.Error(), "member %s of %v %s", m, kind, g.Name)
			continue
		}
		group.Members = append(group.Members, m)
	}
	return group
}

// unit returns u with its views, and false for one that cannot be had: without its store, nobody
// knows where its data begin.
func (i *importing) unit(u comstar.Unit) (documentUnit, bool) {
	views := i.views(u)
	if here, there := i.current.units[u.GUID.String()]; there {
		unit := here.document() // it was imported before, or lives here
		unit.Views = views
		return unit, true
	}
	if u.Path == "" {
		i.lose("the export does not say where its store is: lunar lu import PATH --guid "+u.Name, "unit %s and its %d %s", u.Name, len(views), plural(len(views), "view"))
		return documentUnit{}, false
	}
	meta, err := i.d.readMeta(UnitImport{Path: u.Path})
	size := u.Size
	if err == nil && meta == nil && size == 0 {
		size, err = i.d.sizeOf(u.Path)
	}
	ask := UnitImport{Path: u.Path, GUID: u.GUID.String()}
	if u.GUID == (sbd.GUID{}) {
		ask.GUID = i.d.guids.GUID().String()
		if meta != nil {
			ask.GUID = meta.GUID.String()
		}
	}
	var create UnitCreate
	if err == nil {
		create, err = ask.create(meta)
	}
	if err != nil {
		i.lose(oneLine(err), "unit %s and its %d %s", u.Name, len(views), plural(len(views), "view"))
		return documentUnit{}, false
	}
	unit := documentUnit{
		Alias:      create.Alias,
		Path:       create.Path,
		Size:       cmp.Or(create.Size, size/defaultBlockSize*defaultBlockSize),
		BlockSize:  create.BlockSize,
		Serial:     create.Serial,
		Vendor:     cmp.Or(u.Vendor, create.Vendor),
		Product:    cmp.Or(u.Product, create.Product),
		Revision:   create.Revision,
		Version:    create.Version,
		ReadOnly:   create.ReadOnly,
		WriteCache: create.WriteCache,
		Views:      views,
	}
	if meta != nil {
		unit.Offset = meta.Offset
		for _, what := range lostOf(meta) {
			i.lose("lunar has no such thing", "unit %s: %s", u.Name, what)
		}
		if has, err := i.d.sizeOf(u.Path); err == nil && has < meta.Offset+meta.Size {
			i.lose(fmt.Sprintf("its file has %d bytes of %d: truncate -s %d %s", has, meta.Offset+meta.Size, meta.Offset+meta.Size, u.Path), "unit %s is offline", u.Name)
		}
	}
	return unit, unit.GUID.UnmarshalText([]byte(create.GUID)) == nil
}

// views returns the views of u. COMSTAR let an initiator see a unit through several at a time.
func (i *importing) views(u comstar.Unit) (views []documentView) {
	var taken []viewRecord
	for _, v := range i.from.Views {
		if v.Unit != u.Name {
			continue
		}
		r := viewRecord{Entry: v.Entry, HostGroup: v.HostGroup, TargetGroup: v.TargetGroup, LUN: v.LUN}
		if at := slices.IndexFunc(taken, r.overlaps); at >= 0 {
			i.lose(fmt.Sprintf("somebody sees the unit through view %d already, as LUN %d", taken[at].Entry, taken[at].LUN), "view %d of unit %s, as LUN %d", v.Entry, u.Name, v.LUN)
			continue
		}
		taken = append(taken, r)
		views = append(views, documentView{Entry: &v.Entry, HostGroup: v.HostGroup, TargetGroup: v.TargetGroup, LUN: &v.LUN})
	}
	return views
}

// target returns t. asked: a RADIUS server can be asked.
func (i *importing) target(t comstar.Target, asked bool) documentTarget {
	imported := documentTarget{Name: t.Name, Alias: t.Alias, Auth: cmp.Or(t.Auth, i.from.Defaults.Auth, "none")}
	if imported.Auth != "none" && imported.Auth != "chap" && !(imported.Auth == "radius" && asked) {
		i.lose("set up the server and lunar asks it; until then initiators need secrets here", "target %s: authentication by %s", t.Name, imported.Auth)
		imported.Auth = "chap"
	}
	switch self := chapOf(t.CHAPUser, t.CHAPSecret); {
	case self == nil:
	case imported.Auth == "radius":
		imported.Self = self
	case imported.Auth == "chap":
		imported.Auth, imported.Self = "mutual", self
	default:
		i.lose("it asks for no authentication, and so proves nothing", "target %s: its own secret", t.Name)
	}
	for _, g := range t.Groups {
		if slices.ContainsFunc(i.from.PortalGroups, func(p comstar.PortalGroup) bool { return p.Name == g.Name && len(p.Portals) > 0 }) {
			imported.PortalGroups = append(imported.PortalGroups, g.Name)
		}
	}
	if len(t.Groups) > 0 && len(imported.PortalGroups) == 0 {
		i.lose("none of its portal groups has an address, and without any it would be reached everywhere", "target %s is offline", t.Name)
		imported.Offline = true
	}
	return imported
}
