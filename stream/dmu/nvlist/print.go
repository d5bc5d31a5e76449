package nvlist

import (
	"fmt"
	"strings"
)

// Dump writes the list as text, the way libnvpair prints one and zstream with it.
func (l *List) Dump() string {
	var b strings.Builder
	l.dump(&b, 0)
	return b.String()
}

func (l *List) dump(b *strings.Builder, depth int) {
	tabs := strings.Repeat("\t", depth)
	fmt.Fprintf(b, "%snvlist version: %d\n", tabs, l.Version)
	for _, p := range l.Pairs {
		fmt.Fprintf(b, "%s\t%s =", tabs, p.Name)
		format := " " + types[p.Type].format
		switch v := p.Value.(type) {
		case nil:
			b.WriteString(" 1")
		case uint64:
			fmt.Fprintf(b, format, p.printed(v))
		case []uint64:
			for _, n := range v {
				fmt.Fprintf(b, format, p.printed(n))
			}
		case []byte:
			for _, n := range v {
				fmt.Fprintf(b, format, n)
			}
		case string:
			b.WriteString(" " + v)
		case []string:
			for _, s := range v {
				b.WriteString(" " + s)
			}
		case *List:
			b.WriteString(" (embedded nvlist)\n")
			v.dump(b, depth+1)
			fmt.Fprintf(b, "%s\t(end %s)\n", tabs, p.Name)
		case []*List:
			b.WriteString(" (array of embedded nvlists)\n")
			for i, inner := range v {
				fmt.Fprintf(b, "%s\t(start %s[%d])\n", tabs, p.Name, i)
				inner.dump(b, depth+1)
				fmt.Fprintf(b, "%s\t(end %s[%d])\n", tabs, p.Name, i)
			}
		}
		b.WriteString("\n")
	}
}

// printed is v as its format wants it: with a sign, or as many bytes as the type has.
func (p Pair) printed(v uint64) any {
	if strings.HasPrefix(types[p.Type].format, "%d") {
		return int64(v)
	}
	bits := 64 - 8*types[p.Type].width
	return v << bits >> bits
}
