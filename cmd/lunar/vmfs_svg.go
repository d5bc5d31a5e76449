package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/vmfs"
)

// The picture of a volume is a grid of cells, read like text: line by line, from the beginning
// of the first extent of the volume to the end of the last. A cell has the colour of what most
// of it is taken by.

// A paint is what cells can be taken by: a kind of thing, or one of the largest files.
type paint struct {
	name   string
	colour string
	taken  int64
}

// The paints that every picture has; those of files follow.
const (
	paintFree = iota
	paintSystem
	paintTBZ
	paintOther
	paintFiles
)

var kindPaints = [...]paint{
	paintFree:   {"not in use by files", "#eceff1", 0},
	paintSystem: {"metadata and directories", "#37474f", 0},
	paintTBZ:    {"allocated, to be zeroed", "#b0bec5", 0},
	paintOther:  {"other files", "#90a4ae", 0},
}

var fileColours = [...]string{"#1e88e5", "#e53935", "#43a047", "#fb8c00", "#8e24aa", "#00897b", "#d81b60", "#6d4c41", "#3949ab", "#c0ca33", "#00acc1", "#f4511e"}

// The picture's measures, in cells and in points.
const (
	svgColumns = 512
	svgLines   = 64 // of all members, and one more for each
	svgCellW   = 2
	svgCellH   = 10
	svgMargin  = 16
)

// A drawing is a picture being painted.
type drawing struct {
	paints  []paint
	cell    int64 // bytes that a cell stands for
	members []drawnMember
	files   map[vmfs.FDAddress]int // the paint of each of the largest
}

// A drawnMember has the bytes of each paint in each cell of a member.
type drawnMember struct {
	title string
	cells [][]int64
}

// drawVolume writes the picture of what is below a path to a file.
func (c *cli) drawVolume(v *openImage, path, to string) error {
	d := newDrawing(v.Volume)
	failed := d.choose(v, path)
	for i, m := range v.Members {
		d.take(i, 0, m.Header.DataOffset(), paintSystem)
	}
	// What failed was told by the first walk.
	_ = eachFile(v, path, func(f *vmfs.File) error { d.paint(f); return nil })
	if to == "-" {
		return joined(failed, d.write(c.stdout, v.Label()))
	}
	f, err := os.Create(to)
	if err != nil {
		return joined(failed, err)
	}
	return joined(failed, d.write(f, v.Label()), f.Close())
}

func newDrawing(v *vmfs.Volume) *drawing {
	d := &drawing{paints: slices.Clone(kindPaints[:]), files: map[vmfs.FDAddress]int{}}
	var total int64
	for _, m := range v.Members {
		total += m.Size
	}
	d.cell = max(1, (total+svgColumns*svgLines-1)/(svgColumns*svgLines))
	for _, m := range v.Members {
		d.members = append(d.members, drawnMember{
			title: fmt.Sprintf("%s, %s", &m.Partition, formatSize(m.Size)),
			cells: make([][]int64, (m.Size+d.cell-1)/d.cell),
		})
	}
	return d
}

// choose gives the files that take most a colour each.
func (d *drawing) choose(v *openImage, path string) error {
	type candidate struct {
		addr  vmfs.FDAddress
		name  string
		taken int64
	}
	var largest []candidate
	err := eachFile(v, path, func(f *vmfs.File) error {
		fd := f.Descriptor()
		if fd.Type() != vmfs.Regular {
			return nil
		}
		n := candidate{fd.Address(), f.Name(), taken(fd)}
		at, _ := slices.BinarySearchFunc(largest, n, func(a, b candidate) int { return cmp.Compare(b.taken, a.taken) })
		if at < len(fileColours) && n.taken > 0 {
			largest = slices.Insert(largest, at, n)
			largest = largest[:min(len(largest), len(fileColours))]
		}
		return nil
	})
	for i, n := range largest {
		d.files[n.addr] = paintFiles + i
		d.paints = append(d.paints, paint{name: n.name, colour: fileColours[i]})
	}
	return err
}

// paint paints the extents of a file.
func (d *drawing) paint(f *vmfs.File) {
	fd := f.Descriptor()
	p := paintOther
	if fd.Type() == vmfs.System || fd.IsDir() {
		p = paintSystem
	} else if n, ok := d.files[fd.Address()]; ok {
		p = n
	}
	for e, err := range f.Extents() {
		switch {
		case err != nil || e.Device < 0 || e.Kind == vmfs.Resident:
		case e.Kind == vmfs.ToBeZeroed:
			d.take(e.Device, e.Physical, e.Length, paintTBZ)
		default:
			d.take(e.Device, e.Physical, e.Length, p)
		}
	}
}

// take counts n bytes at off of a member for a paint.
func (d *drawing) take(member int, off, n int64, p int) {
	cells := d.members[member].cells
	d.paints[p].taken += n
	for n > 0 && off/d.cell < int64(len(cells)) {
		part := min(n, d.cell-off%d.cell)
		c := &cells[off/d.cell]
		if *c == nil {
			*c = make([]int64, len(d.paints))
		}
		(*c)[p] += part
		off, n = off+part, n-part
	}
}

// of is the paint that most of a cell is taken by.
func (d *drawing) of(cell []int64) int {
	best := paintFree
	for p, n := range cell {
		if n > 0 && (best == paintFree || n > cell[best]) {
			best = p
		}
	}
	return best
}

// write writes the picture.
func (d *drawing) write(to io.Writer, label string) error {
	w := bufio.NewWriter(to)
	y := svgMargin + 24
	var body strings.Builder
	for _, m := range d.members {
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\">%s</text>\n", svgMargin, y, svgText(m.title))
		y += 8
		for at := 0; at < len(m.cells); at += svgColumns {
			d.line(&body, m.cells[at:min(len(m.cells), at+svgColumns)], y)
			y += svgCellH
		}
		y += 24
	}
	for _, p := range d.paints {
		if p.taken == 0 && p.name != kindPaints[paintFree].name {
			continue
		}
		text := p.name
		if p.taken > 0 {
			text += ", " + formatSize(p.taken)
		}
		fmt.Fprintf(&body, "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n", svgMargin, y-10, p.colour, svgMargin+20, y, svgText(text))
		y += 18
	}
	width := svgColumns*svgCellW + 2*svgMargin
	fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n", width, y, width, y)
	fmt.Fprintf(w, "<title>What lies where on %s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n", svgText(label))
	fmt.Fprintf(w, "<text x=\"%d\" y=\"%d\" font-size=\"14\">%s: a cell is %s, a line %s</text>\n", svgMargin, svgMargin, svgText(label), formatSize(d.cell), formatSize(d.cell*svgColumns))
	_, err := io.WriteString(w, body.String()+"</svg>\n")
	return joined(err, w.Flush())
}

// line draws a line of cells, those of one paint together.
func (d *drawing) line(body *strings.Builder, cells [][]int64, y int) {
	for at := 0; at < len(cells); {
		p, end := d.of(cells[at]), at+1
		for end < len(cells) && d.of(cells[end]) == p {
			end++
		}
		fmt.Fprintf(body, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>%s</title></rect>\n",
			svgMargin+at*svgCellW, y, (end-at)*svgCellW, svgCellH-1, d.paints[p].colour, svgText(d.paints[p].name))
		at = end
	}
}

// svgText is text from disk as an SVG may have it.
func svgText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xFFFE || r == 0xFFFF || r >= 0xD800 && r < 0xE000 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
