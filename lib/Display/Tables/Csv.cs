using System.Buffers;
using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using Microsoft.Data.Analysis;

namespace PatchKit.Display.Tables;

/// <summary>
/// DataFrames and tables as CSV files, by CsvHelper: for a spreadsheet, R or pandas, and back without a digit lost.
/// </summary>
/// <remarks>
/// The first line names the columns. A null is an empty field. Numbers are in the invariant culture, a Double with a
/// decimal point or an exponent and as many digits as tell it from every other; dates are in ISO 8601.
/// <c>DataFrame.LoadCsv</c> of Microsoft.Data.Analysis reads such a file, too, but its numbers as float32.
/// </remarks>
public static class Csv
{
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789"),
        s_integer = SearchValues.Create("-0123456789");
    private static readonly CsvConfiguration s_settings = new(CultureInfo.InvariantCulture) { NewLine = "\n" };

    /// <summary>Writes the DataFrame to a file, in place of an older one.</summary>
    public static void WriteCsv(this DataFrame frame, string path)
    {
        string partial = path + ".partial";
        using (var csv = new CsvWriter(new StreamWriter(partial, append: false, new UTF8Encoding(false)), s_settings))
        {
            foreach (var column in frame.Columns)
                csv.WriteField(column.Name);
            csv.NextRecord();
            for (long row = 0; row < frame.Rows.Count; row++)
            {
                foreach (var column in frame.Columns)
                    // Quotes tell a text of no letters from none.
                    if (column[row] is string { Length: 0 })
                        csv.WriteField("", shouldQuote: true);
                    else
                        csv.WriteField(Field(column[row]));
                csv.NextRecord();
            }
        }
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>
    /// Writes the table to a file, in place of an older one: its cells whole, not as they are shown; see
    /// <see cref="TableFrames.ToDataFrame"/>.
    /// </summary>
    public static void WriteCsv(this Table table, string path) => table.ToDataFrame().WriteCsv(path);

    /// <summary>
    /// Reads a file whose first line names the columns. A column of whole numbers is Int64, of numbers Double, of True
    /// and False Boolean, of times as <see cref="WriteCsv(DataFrame, string)"/> writes them DateTime; all else is text,
    /// also numbers with more digits than a Double has and those that begin with a 0, such as "007". An empty field is
    /// null.
    /// </summary>
    /// <exception cref="IOException">A line has not as many fields as the first one or a stray quote, or two columns
    /// have one name.</exception>
    public static DataFrame Read(string path)
    {
        var (names, rows) = Records(path);
        if (names.CountBy(name => name).FirstOrDefault(name => name.Value > 1) is { Key: { } twice, Value: var times })
            throw new IOException($"{path} has {times} columns named '{twice}'; give each a name of its own.");
        return new DataFrame(names.Select((name, i) => Column(name, [.. rows.Select(row => row[i])])));

        static DataFrameColumn Column(string name, IReadOnlyList<string> texts) =>
            TableFrames.Column(name, Cells([.. texts.Select(text => text.Length == 0 ? null : text)]), isText: true);
    }

    private static (string[] Names, List<string[]> Rows) Records(string path)
    {
        using var csv = new CsvParser(new StreamReader(path), s_settings);
        try
        {
            if (!csv.Read())
                throw new IOException($"{path} is empty; its first line must name the columns.");
            string[] names = csv.Record!;
            var rows = new List<string[]>();
            while (csv.Read())
            {
                string[] row = csv.Record!;
                if (row.Length != names.Length)
                    throw new IOException(
                        $"{path}: line {csv.RawRow} has {row.Length} {(row.Length == 1 ? "field" : "fields")}, "
                            + $"but the first one names {names.Length} columns."
                    );
                rows.Add(row);
            }
            return (names, rows);
        }
        catch (BadDataException e)
        {
            throw new IOException(
                $"{path}: line {csv.RawRow} has a quote inside of a field; "
                    + "put such a field into quotes and double those within.",
                e
            );
        }
    }

    private static string? Field(object? value) =>
        value switch
        {
            // A decimal point, so that a column of doubles stays one where all happen to be whole.
            double number when number.ToString("R", CultureInfo.InvariantCulture) is var text => text.AsSpan()
                .ContainsAnyExcept(s_integer)
                ? text
                : text + ".0",
            float number when number.ToString("R", CultureInfo.InvariantCulture) is var text => text.AsSpan()
                .ContainsAnyExcept(s_integer)
                ? text
                : text + ".0",
            DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
            IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
            _ => value?.ToString(),
        };

    private static IReadOnlyList<object?> Cells(IReadOnlyList<string?> texts)
    {
        if (
            All(text =>
                long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) && IsPlain(text)
            )
        )
            return As(text => long.Parse(text, CultureInfo.InvariantCulture));
        if (All(IsDouble))
            return As(text => double.Parse(text, CultureInfo.InvariantCulture));
        if (All(text => text is "True" or "False"))
            return As(text => text == "True");
        if (
            All(text =>
                DateTime.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out _)
            )
        )
            return As(text =>
                DateTime.ParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind)
            );
        return texts;

        bool All(Func<string, bool> are) => texts.OfType<string>().All(are) && texts.Any(text => text is not null);
        IReadOnlyList<object?> As<T>(Func<string, T> parse)
            where T : struct => [.. texts.Select(text => text is null ? null : (object?)parse(text))];
    }

    // No "007", which is a name, and no "+1".
    private static bool IsPlain(string text) => text.TrimStart('-') is ['0'] or [not ('0' or '+'), ..];

    private static bool IsDouble(string text)
    {
        if (text is "NaN" or "Infinity" or "-Infinity")
            return true;
        if (
            !double.TryParse(
                text,
                NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture,
                out double value
            )
        )
            return false;
        string digits = text.TrimStart('-', '+');
        if (digits is ['0', >= '0' and <= '9', ..])
            return false;
        // Another program may write more digits than 17; a name or a longer whole number it must not cut.
        return digits.AsSpan().ContainsAnyExcept(s_digits)
            || double.IsInteger(value)
                && ((System.Numerics.BigInteger)value).ToString(CultureInfo.InvariantCulture).TrimStart('-') == digits;
    }
}
