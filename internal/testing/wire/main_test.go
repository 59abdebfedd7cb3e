package wire_test

import (
	"testing"

	"devinbox/internal/testing/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
