using System.Globalization;
using Microsoft.Data.Analysis;
using PatchKit.Display.Tables;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Display.Tables;

/// <summary>Tables as DataFrames and as CSV files, and back: types, gaps and digits are kept.</summary>
public sealed class TableFramesTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void ColumnsKeepTheirTypesAndTheirGaps()
    {
        var date = new DateTime(2026, 11, 30, 6, 1, 2, DateTimeKind.Utc);
        Column[] columns =
        [
            new("name") { IsText = true },
            new("loss", "nats"),
            new("seed"),
            new("patch"),
            new("share"),
            new("right"),
            new("date"),
            new("loss"),
            new(""),
            new("exact"),
            new("mixed"),
            new("beyond"),
            new("words") { IsText = true },
            new("none"),
        ];
        var frame = new Table(
            "t",
            columns,
            [
                ["a", 0.1, 1L, 16, 0.5f, true, date, 1, 2.5, 0.1m, 1, long.MaxValue - 1, null, null],
                ["b", null, null, null, null, null, null, 2.5, 1, null, "x", 0.5, null, null],
                [
                    null,
                    double.NaN,
                    long.MinValue,
                    -3,
                    float.MaxValue,
                    false,
                    date.AddTicks(1),
                    1L << 53,
                    (Half)2,
                    2m,
                    2.5,
                    null,
                    null,
                    null,
                ],
            ]
        ).ToDataFrame();
        Assert.Equal(
            [
                "name",
                "loss",
                "seed",
                "patch",
                "share",
                "right",
                "date",
                "loss 2",
                "column 9",
                "exact",
                "mixed",
                "beyond",
                "words",
                "none",
            ],
            frame.Columns.Select(column => column.Name)
        );
        Type[] types =
        [
            typeof(StringDataFrameColumn),
            typeof(DoubleDataFrameColumn),
            typeof(Int64DataFrameColumn),
            typeof(Int32DataFrameColumn),
            typeof(SingleDataFrameColumn),
            typeof(BooleanDataFrameColumn),
            typeof(DateTimeDataFrameColumn),
            typeof(DoubleDataFrameColumn),
            typeof(DoubleDataFrameColumn),
            typeof(DecimalDataFrameColumn),
            typeof(StringDataFrameColumn),
            typeof(StringDataFrameColumn),
            typeof(StringDataFrameColumn),
            typeof(DoubleDataFrameColumn),
        ];
        Assert.Equal(types, frame.Columns.Select(column => column.GetType()));
        Assert.Equal([0.1, null, double.NaN], frame["loss"].Cast<double?>());
        Assert.Equal([1L, null, long.MinValue], frame["seed"].Cast<long?>());
        Assert.Equal([16, null, -3], frame["patch"].Cast<int?>());
        Assert.Equal([date, null, date.AddTicks(1)], frame["date"].Cast<DateTime?>());
        Assert.Equal([1, 2.5, 1L << 53], frame["loss 2"].Cast<double>());
        Assert.Equal(["1", "x", "2.5"], frame["mixed"].Cast<string>());
        Assert.Equal(["9223372036854775806", "0.5", null], frame["beyond"].Cast<string?>());
        Assert.Equal(3, frame["none"].NullCount);
        Assert.Equal(0, new Table("empty", columns, []).ToDataFrame().Rows.Count);
    }

    [Fact]
    public void ATableComesBackAsItWas()
    {
        var table = Samples.Losses1.ToDataFrame().ToTable("again");
        Assert.Equal(Samples.Losses1.Rows.SelectMany(row => row), table.Rows.SelectMany(row => row));
        Assert.Equal(("again", true, false), (table.Title, table.Columns[0].IsText, table.Columns[1].IsText));
        Assert.Contains("| 2\\|1 | 0.8404 | – | – |", table.ToMarkdown());
    }

    // What TableFrames' remarks and notebook 13 warn of; if this fails, the package has mended it.
    [Fact]
    public void TheirGroupByCountsNullsAsZeroAndTheWayOutIsAFilter()
    {
        var frame = new Table(
            "",
            [new("patch"), new("x")],
            [
                [4, 2.0],
                [4, null],
                [4, 4.0],
                [2, 7.0],
            ]
        ).ToDataFrame();
        double Mean(DataFrame of) =>
            (double)of.GroupBy("patch").Mean("x").Filter(new BooleanDataFrameColumn("", [true, false]))["x"][0];
        Assert.Equal(2, Mean(frame));
        Assert.Equal(3, Mean(frame.Filter(frame["x"].ElementwiseIsNotNull())));
        // Rows of Description: length, largest, smallest, mean.
        Assert.Equal(13 / 4f, frame.Description()["x"][3]);
        Assert.Equal(13 / 3.0, frame["x"].Mean());
    }

    [Fact]
    public void TheirLoadCsvLosesDigitsAndOursDoesNot()
    {
        new Table(
            "",
            [new("loss")],
            [
                [0.12345678901234567],
                [2.5],
            ]
        ).WriteCsv(_scratch["loss.csv"]);
        Assert.IsType<SingleDataFrameColumn>(DataFrame.LoadCsv(_scratch["loss.csv"])["loss"]);
        Assert.Equal(
            0.12345678901234567,
            Assert.IsType<DoubleDataFrameColumn>(Csv.Read(_scratch["loss.csv"])["loss"])[0]
        );
    }

    [Fact]
    public void ACsvFileLosesNoDigitNoGapAndNoType()
    {
        var random = new Random(13);
        double[] doubles =
        [
            .. Enumerable
                .Range(0, 2000)
                .Select(_ => BitConverter.Int64BitsToDouble(random.NextInt64()))
                .Where(double.IsFinite),
            0.1,
            1,
            -0.0,
            double.Epsilon,
            double.MaxValue,
            double.NaN,
            double.PositiveInfinity,
            double.NegativeInfinity,
            Math.PI,
        ];
        string?[] texts = ["a,b", "say \"x\"", "two\nlines", " spaced ", "007", "-", "é 漢", "1,234", "=1+1", null];
        var rows = doubles
            .Select(
                (value, i) =>
                    (IReadOnlyList<object?>)
                        [
                            i % 7 == 3 ? null : value,
                            i % 5 == 2 ? null
                            : i % 2 == 0 ? random.NextInt64(long.MinValue, long.MaxValue)
                            : long.MaxValue - i,
                            texts[i % texts.Length],
                            i % 3 == 0,
                            new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddTicks(random.NextInt64(1L << 50)),
                            (double)i,
                        ]
            )
            .ToArray();
        var frame = new Table(
            "t",
            [new("double"), new("long"), new("text"), new("bool"), new("date"), new("whole, \"doubles\"")],
            rows
        ).ToDataFrame();
        frame.WriteCsv(_scratch["all.csv"]);
        var read = Csv.Read(_scratch["all.csv"]);
        Assert.Equal(
            frame.Columns.Select(column => (column.Name, column.GetType())),
            read.Columns.Select(column => (column.Name, column.GetType()))
        );
        for (int i = 0; i < frame.Columns.Count; i++)
            Assert.Equal(frame.Columns[i].Cast<object?>(), read.Columns[i].Cast<object?>());
        Assert.Equal(frame["double"].Cast<double?>().Select(Bits), read["double"].Cast<double?>().Select(Bits));
        Samples.Elsewhere(() =>
        {
            frame.WriteCsv(_scratch["elsewhere.csv"]);
            return Csv.Read(_scratch["elsewhere.csv"]);
        });
        Assert.Equal(File.ReadAllText(_scratch["all.csv"]), File.ReadAllText(_scratch["elsewhere.csv"]));
        Assert.Equal(
            ["all.csv", "elsewhere.csv"],
            Directory.EnumerateFiles(_scratch[""]).Select(path => Path.GetFileName(path)).Order()
        );

        static long? Bits(double? value) => value is { } number ? BitConverter.DoubleToInt64Bits(number) : null;
    }

    [Fact]
    public void FilesOfOthersAreReadForWhatTheyHold()
    {
        var frame = Csv.Read(
            _scratch.Put(
                "theirs.csv",
                "n,x,id,long,name,empty\r\n1,1e-3,007,123456789012345678901,\"\",\r\n-2,2,012,1,b,\r\n"
            )
        );
        Assert.Equal(
            [typeof(long), typeof(double), typeof(string), typeof(string), typeof(string), typeof(string)],
            frame.Columns.Select(column => column.DataType)
        );
        Assert.Equal(["007", "012"], frame["id"].Cast<string>());
        Assert.Equal(["123456789012345678901", "1"], frame["long"].Cast<string>());
        Assert.Equal([0.001, 2], frame["x"].Cast<double>());
        Expect.Refused<IOException>(
            () => Csv.Read(_scratch.Put("ragged.csv", "a,b\n1,2\n3\n")),
            "ragged.csv",
            "line 3",
            "1 field",
            "2 columns"
        );
        Expect.Refused<IOException>(
            () => Csv.Read(_scratch.Put("quote.csv", "a,b\n1,x\"y\n")),
            "quote.csv",
            "line 2",
            "quote"
        );
        Expect.Refused<IOException>(
            () => Csv.Read(_scratch.Put("twice.csv", "a,a\n1,2\n")),
            "twice.csv",
            "2 columns named 'a'"
        );
        Expect.Refused<IOException>(() => Csv.Read(_scratch.Put("empty.csv", "")), "empty.csv", "first line");
    }

    [Fact]
    public void NumbersAreWrittenInOneWay()
    {
        new Table(
            "",
            [new("a"), new("b")],
            [
                [1.0, 1234567L],
                [0.1, null],
            ]
        ).WriteCsv(_scratch["a.csv"]);
        Assert.Equal("a,b\n1.0,1234567\n0.1,\n", File.ReadAllText(_scratch["a.csv"]));
        Assert.Equal(0.1f.ToString(CultureInfo.InvariantCulture), new Table(
                "",
                [new("s")],
                [
                    [0.1f],
                ]
            ).ToDataFrame()["s"][0].ToString());
    }
}
