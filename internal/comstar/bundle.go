package comstar

import (
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxExport is the longest export that is read, in bytes. One with 10,000 views has 6 MB.
const MaxExport = 64 << 20

// maxDepth is how deep elements nest; svccfg's own exports need 8.
const maxDepth = 16

// A bundle is a service bundle as svccfg(1M) exports it: what this package needs of it.
//
//	<service_bundle>
//	  <service name='system/stmf'>
//	    <property_group name='G' type='T'>
//	      <propval name='P' type='ustring' value='V'/>
//	      <property name='P' type='ustring'>
//	        <ustring_list> <value_node value='V'/> ... </ustring_list>
//	      </property>
//	    </property_group>
//	    <instance name='default'> property groups too </instance>
//	  </service>
//	</service_bundle>
//
// A property without values is a property element with nothing in it. So is one whose values
// svccfg keeps to itself, which it does without -a.
type bundle []service

type service struct {
	name   string
	groups []propertyGroup
}

type propertyGroup struct {
	name       string
	kind       string // its type
	properties []property
}

type property struct {
	name   string
	values []string
}

// readBundle reads a service bundle.
func readBundle(r io.Reader) (bundle, error) {
	limited := &io.LimitedReader{R: r, N: MaxExport + 1}
	b, err := decodeBundle(xml.NewDecoder(limited))
	switch {
	case limited.N <= 0:
		return nil, fmt.Errorf("the export is longer than %d bytes", MaxExport)
	case err != nil:
		return nil, fmt.Errorf("the export is no service bundle: %w", err)
	case len(b) == 0:
		return nil, errors.New("the export is no service bundle: it has no service")
	}
	return b, nil
}

func decodeBundle(d *xml.Decoder) (b bundle, err error) {
	var (
		path  []string
		svc   *service
		group *propertyGroup
		prop  *property
	)
	for {
		token, err := d.Token()
		if err == io.EOF && len(path) == 0 {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.EndElement:
			switch path = path[:len(path)-1]; t.Name.Local {
			case "service":
				svc, group, prop = nil, nil, nil
			case "property_group":
				group, prop = nil, nil
			case "property":
				prop = nil
			}
		case xml.StartElement:
			name := t.Name.Local
			if path = append(path, name); len(path) > maxDepth {
				return nil, fmt.Errorf("element %s is more than %d deep", name, maxDepth)
			}
			if path[0] != "service_bundle" {
				return nil, fmt.Errorf("its outermost element is %s", path[0])
			}
			switch {
			case name == "service" && svc == nil:
				b = append(b, service{name: attribute(t, "name")})
				svc = &b[len(b)-1]
			case name == "property_group" && svc != nil && group == nil:
				svc.groups = append(svc.groups, propertyGroup{name: attribute(t, "name"), kind: attribute(t, "type")})
				group = &svc.groups[len(svc.groups)-1]
			case name == "propval" && group != nil && prop == nil:
				group.properties = append(group.properties, property{attribute(t, "name"), []string{attribute(t, "value")}})
			case name == "property" && group != nil && prop == nil:
				group.properties = append(group.properties, property{name: attribute(t, "name")})
				prop = &group.properties[len(group.properties)-1]
			case name == "value_node" && prop != nil:
				prop.values = append(prop.values, attribute(t, "value"))
			}
		}
	}
}

// attribute returns the attribute name of an element, empty without one.
func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// service returns the service whose name ends in one of names. Another one is an error that says
// what the export is of.
func (b bundle) service(names ...string) (*service, error) {
	var others []string
	for i := range b {
		if slices.ContainsFunc(names, func(n string) bool { return b[i].name == n || strings.HasSuffix(b[i].name, "/"+n) }) {
			return &b[i], nil
		}
		others = append(others, b[i].name)
	}
	return nil, fmt.Errorf("the export is of %s and not of %s", strings.Join(others, ", "), strings.Join(names, " or "))
}

// group returns the property group name, an empty one without it.
func (s *service) group(name string) propertyGroup {
	for _, g := range s.groups {
		if g.name == name {
			return g
		}
	}
	return propertyGroup{name: name}
}

// values returns the values of the property name, and false without such a property.
func (g propertyGroup) values(name string) ([]string, bool) {
	for _, p := range g.properties {
		if p.name == name {
			return p.values, true
		}
	}
	return nil, false
}

// value returns the first value of the property name, empty without one.
func (g propertyGroup) value(name string) string {
	if values, _ := g.values(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// opaque returns the bytes of an opaque property: SMF shows two hexadecimal digits for each.
func (g propertyGroup) opaque(name string) ([]byte, error) {
	b, err := hex.DecodeString(g.value(name))
	if err != nil {
		return nil, fmt.Errorf("property %s of %s: %w", name, g.name, err)
	}
	return b, nil
}
