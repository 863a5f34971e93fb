#include "plan/model/volume.h"

#include "plan/model/domain.h"

double rw_model_storage_tb(double ingest_tb_day, double retention_days, double replicas,
                           double overhead, double compression)
{
    bool valid = rw_model_nonnegative(ingest_tb_day) && rw_model_nonnegative(retention_days) &&
                 isfinite(replicas) && replicas >= 1 && rw_model_nonnegative(overhead) &&
                 rw_model_positive(compression);
    return valid ? ingest_tb_day * retention_days * replicas * (1 + overhead) / compression
                 : RW_MODEL_INVALID;
}

double rw_model_storage_grown_tb(double start_tb, double growth_year, double years)
{
    bool valid = rw_model_nonnegative(start_tb) && isfinite(growth_year) && growth_year > -1 &&
                 rw_model_nonnegative(years);
    return valid ? start_tb * pow(1 + growth_year, years) : RW_MODEL_INVALID;
}

double rw_model_bandwidth_gbps(double bytes_day)
{
    return rw_model_nonnegative(bytes_day) ? bytes_day * 8 / 86400 / 1e9 : RW_MODEL_INVALID;
}

double rw_model_bandwidth_link_gbps(double mean_gbps, double peak_factor, double utilization)
{
    bool valid = rw_model_nonnegative(mean_gbps) && isfinite(peak_factor) && peak_factor >= 1 &&
                 utilization > 0 && utilization <= 1;
    return valid ? mean_gbps * peak_factor / utilization : RW_MODEL_INVALID;
}

double rw_model_distance_rtt_ms(double kilometres)
{
    return rw_model_nonnegative(kilometres) ? 2 * kilometres * 1.468 / 299.792458
                                            : RW_MODEL_INVALID;
}

static double radians(double degrees)
{
    return degrees * (M_PI / 180);
}

double rw_model_distance_km(double latitude_a, double longitude_a, double latitude_b,
                            double longitude_b)
{
    bool valid = fabs(latitude_a) <= 90 && fabs(latitude_b) <= 90 && fabs(longitude_a) <= 360 &&
                 fabs(longitude_b) <= 360;
    if (!valid)
        return RW_MODEL_INVALID;
    /* Haversine: exact for near points, where the cosine of the angle is not. */
    double north = sin(radians(latitude_b - latitude_a) / 2);
    double east = sin(radians(longitude_b - longitude_a) / 2);
    double half = north * north + cos(radians(latitude_a)) * cos(radians(latitude_b)) * east * east;
    return 2 * 6371.0088 * asin(fmin(1, sqrt(half)));
}
