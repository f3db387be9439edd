package export

import (
	"bufio"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// sink takes the rows of one table.
type sink interface {
	write(rows [][]any) error
	close() error
}

// file is a new file that only its owner can read, written through a buffer.
type file struct {
	f *os.File
	*bufio.Writer
}

func create(name string) (*file, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &file{f, bufio.NewWriterSize(f, 1<<16)}, nil
}

func (f *file) close() error { return errors.Join(f.Flush(), f.f.Close()) }

// csvSink writes lines that end in \n; a cell with a comma, a quote or a line break
// is quoted.
type csvSink struct {
	file *file
	csv  *csv.Writer
	line []string
}

func newCSV(dir string, t Table) (sink, error) {
	f, err := create(filepath.Join(dir, t.Name+".csv"))
	if err != nil {
		return nil, err
	}
	s := &csvSink{f, csv.NewWriter(f), make([]string, len(t.Columns))}
	for i, c := range t.Columns {
		s.line[i] = c.Name
	}
	return s, s.csv.Write(s.line)
}

func (s *csvSink) write(rows [][]any) error {
	for _, row := range rows {
		for i, cell := range row {
			s.line[i] = cellText(cell)
		}
		if err := s.csv.Write(s.line); err != nil {
			return err
		}
	}
	return nil
}

func (s *csvSink) close() error {
	s.csv.Flush()
	return errors.Join(s.csv.Error(), s.file.close())
}

// rowsPerGroup bounds the rows that the Parquet writer holds in memory.
const rowsPerGroup = 50_000

// parquetSink writes Parquet with zstd. Every column is optional, typed, and
// described in the key-value metadata of the file: "COLUMN.meaning", "COLUMN.unit",
// "COLUMN.range", "COLUMN.missing".
type parquetSink struct {
	file *file
	w    *parquet.GenericWriter[any]
	rows []parquet.Row
	wide int
}

func newParquet(dir string, t Table, version string) (sink, error) {
	f, err := create(filepath.Join(dir, t.Name+".parquet"))
	if err != nil {
		return nil, err
	}
	options := []parquet.WriterOption{parquetSchema(t), parquet.Compression(&zstd.Codec{}), parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.CreatedBy("dermatrend", version, ""), parquet.KeyValueMetadata("table", t.Name), parquet.KeyValueMetadata("table.meaning", t.Meaning)}
	for _, c := range t.Columns {
		for _, kv := range [][2]string{{"meaning", c.Meaning}, {"unit", c.Unit}, {"ucum", UCUM(c.Unit)}, {"range", c.Range}, {"missing", c.Missing}} {
			if kv[1] != "" {
				options = append(options, parquet.KeyValueMetadata(c.Name+"."+kv[0], kv[1]))
			}
		}
	}
	return &parquetSink{f, parquet.NewGenericWriter[any](f, options...), nil, len(t.Columns)}, nil
}

// parquetSchema keeps the order of the columns, which a parquet.Group would not.
func parquetSchema(t Table) *parquet.Schema {
	var fields []reflect.StructField
	types := map[Type]reflect.Type{Text: reflect.TypeFor[string](), Integer: reflect.TypeFor[int64](), Float: reflect.TypeFor[float64]()}
	for i, c := range t.Columns {
		tag := `parquet:"` + c.Name + `,optional`
		if c.Type == Text {
			tag += ",dict"
		}
		fields = append(fields, reflect.StructField{Name: "C" + string(rune('A'+i/26)) + string(rune('A'+i%26)), Type: types[c.Type], Tag: reflect.StructTag(tag + `"`)})
	}
	return parquet.NewSchema(t.Name, parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface()))
}

func (s *parquetSink) write(rows [][]any) error {
	const batch = 1000
	for len(rows) > 0 {
		n := min(batch, len(rows))
		s.rows = s.rows[:0]
		for _, row := range rows[:n] {
			r := make(parquet.Row, s.wide)
			for i, cell := range row {
				r[i] = parquetValue(cell, i)
			}
			s.rows = append(s.rows, r)
		}
		if _, err := s.w.WriteRows(s.rows); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func parquetValue(cell any, column int) parquet.Value {
	switch v := cell.(type) {
	case string:
		if v != "" {
			return parquet.ByteArrayValue([]byte(v)).Level(0, 1, column)
		}
	case int:
		return parquet.Int64Value(int64(v)).Level(0, 1, column)
	case float64:
		return parquet.DoubleValue(v).Level(0, 1, column)
	}
	return parquet.NullValue().Level(0, 0, column)
}

func (s *parquetSink) close() error { return errors.Join(s.w.Close(), s.file.close()) }
