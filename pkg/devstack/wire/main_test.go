package wire_test

import (
	"testing"

	"devinbox/pkg/devstack/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
