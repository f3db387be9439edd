package study

import (
	"fmt"
	"time"
)

const dateLayout = "2006-01-02"

// NewDate is a day of the calendar. Days beyond the month run over, as in
// [time.Date].
func NewDate(year int, month time.Month, day int) Date {
	return Date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

// ParseDate reads YYYY-MM-DD; a day that the calendar does not have is an error.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(dateLayout, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date as 2026-01-31", s)
	}
	return Date{t}, nil
}

// String is YYYY-MM-DD, or empty where no date is given.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Format(dateLayout)
}

// Before tells whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.Time.Before(e.Time) }

// After tells whether d is a later day than e.
func (d Date) After(e Date) bool { return d.Time.After(e.Time) }

// DaysSince counts the days from e to d, negative where d is earlier. Both must
// be given.
func (d Date) DaysSince(e Date) int { return int(d.Sub(e.Time) / (24 * time.Hour)) }
